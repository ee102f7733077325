import type {
  Accepted,
  Engine,
  EngineLog,
  EngineOptions,
  EngineStats,
  Invocation,
  InvocationFilter,
  OpenInvocations,
  Outcome,
} from "./api.ts";
import { Attachments } from "./attachments.ts";
import type { AnyHandler } from "./definition.ts";
import { type Effect, effectCall } from "./effect.ts";
import { EngineUnavailableError, messageOf, TerminalError } from "./errors.ts";
import { formatInvocationId, parseAwakeableId, parseInvocationId } from "./ids.ts";
import type { Completion } from "./journal.ts";
import { DEFAULT_LIMITS, type EngineLimits } from "./limits.ts";
import { UNOBSERVED } from "./observer.ts";
import { callUnit, type StoredCall } from "./outside-call.ts";
import type { Operation } from "./operations.ts";
import { Periodic } from "./periodic.ts";
import { Registry } from "./registry.ts";
import { statsOf } from "./stats.ts";
import { countOpenInvocations } from "./store/counts.ts";
import { IdBlocks } from "./store/ids.ts";
import { engineMigrations, migrate } from "./store/migrate.ts";
import { forgetNodes } from "./store/nodes.ts";
import { openPools, type Pools } from "./store/pool.ts";
import * as reads from "./store/reads.ts";
import { deleteExpired } from "./store/retention.ts";
import { Succession } from "./succession.ts";
import type { Unit } from "./unit.ts";
import { outcomeFrom } from "./waiters.ts";
import { Wakeups } from "./wakeups.ts";

const LONGEST_RETENTION_INTERVAL_MS = 60_000;
const SILENT: EngineLog = { debug() {}, info() {}, warn() {}, error() {} };

/** Makes an engine; it does nothing before `start`. */
export function createEngine(options: EngineOptions): Engine {
  return new DurableEngine(options);
}

class DurableEngine implements Engine {
  readonly #options: EngineOptions;
  readonly #limits: EngineLimits;
  readonly #log: EngineLog;
  readonly #registry: Registry;
  readonly #attachments: Attachments;
  readonly #pools: Pools;
  readonly #stopping = new AbortController();
  #secret: Buffer = Buffer.alloc(0);
  #ids: IdBlocks | undefined;
  #succession: Succession | undefined;
  #wakeups: Wakeups | undefined;
  #periodics: Periodic[] = [];
  #stopped: Promise<void> | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#log = options.log ?? SILENT;
    this.#registry = new Registry(options.handlers);
    this.#pools = openPools(options.databaseUrl, this.#log);
    const isLocal = (id: number) => this.#succession?.node?.residents.has(id) ?? false;
    this.#attachments = new Attachments(this.#pools.reads, isLocal);
  }

  async start(): Promise<void> {
    try {
      await migrate({ databaseUrl: this.#options.databaseUrl, ...engineMigrations });
      this.#secret = await reads.readSecret(this.#pools.reads);
      this.#ids = await IdBlocks.open(this.#pools.reads);
      await this.#join(this.#ids);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  handlers(): readonly AnyHandler[] {
    return this.#registry.all;
  }

  async invoke(invocation: Invocation): Promise<Accepted> {
    const { service, handler: name } = invocation;
    const handler = this.#registry.find(service, name);
    if (!handler) throw new TerminalError(`there is no handler ${service}/${name}`, "not_found");
    const succession = this.#takingCalls();
    const id = this.#idBlocks().take(1);
    const { repeatOf, output } = await new Promise<StoredCall>((resolve, reject) => {
      const claim = succession.node?.hasRoomForCall() ?? false;
      succession.submit(callUnit({ invocation, handler, id, claim, committed: resolve, failed: reject }));
    });
    const repeated = repeatOf !== undefined;
    if (output !== undefined && !repeated) {
      this.#attachments.remember(id, this.#outcomeOf({ ok: true, value: output }));
    }
    return this.#accepted(repeatOf ?? id, repeated, invocation.delayMs !== undefined);
  }

  async attach(invocationId: string, signal?: AbortSignal): Promise<Outcome | undefined> {
    return await this.#attachments.attach(parseInvocationId(invocationId), signal);
  }

  async output(invocationId: string): Promise<Outcome | "pending" | undefined> {
    const id = parseInvocationId(invocationId);
    return (await reads.readOutcomes(this.#pools.reads, [id])).get(id);
  }

  async lookup(call: { service: string; key: string; handler: string; idempotencyKey: string }) {
    const id = await reads.findByIdempotencyKey(this.#pools.reads, call);
    return id === undefined ? undefined : formatInvocationId(id);
  }

  async execute<Row, Result>(effect: Effect<Row, Result>, row: Row): Promise<Result | null> {
    const [result = null] = await this.executeMany(effect, [row]);
    return result;
  }

  async executeMany<Row, Result>(effect: Effect<Row, Result>, rows: readonly Row[]): Promise<(Result | null)[]> {
    if (rows.length === 0) return [];
    const effects = rows.map((row) => effectCall(effect, row));
    return await this.#submit<(Result | null)[]>(
      { effects, weight: rows.length, urgent: rows.length === 1 },
      (results) => rows.map((_, i) => (results[i] ?? null) as Result | null),
    );
  }

  async resolveAwakeable(awakeableId: string, value: string): Promise<void> {
    const target = parseAwakeableId(awakeableId, this.#secret);
    assertJson(value);
    await this.#complete({ kind: "resolution", ...target, value });
  }

  async rejectAwakeable(awakeableId: string, reason: string): Promise<void> {
    await this.#complete({ kind: "resolution", ...parseAwakeableId(awakeableId, this.#secret), failure: reason });
  }

  cancel(invocationId: string): Promise<boolean> {
    return this.#end(invocationId, "cancel");
  }

  kill(invocationId: string): Promise<boolean> {
    return this.#end(invocationId, "kill");
  }

  async listInvocations({ before, ...filter }: InvocationFilter) {
    return await reads.listInvocations(this.#pools.reads, {
      ...filter,
      before: before === undefined ? undefined : parseInvocationId(before),
    });
  }

  async getInvocation(invocationId: string) {
    const id = parseInvocationId(invocationId);
    const invocation = await reads.readInvocation(this.#pools.reads, id);
    return invocation && { invocation, journal: await reads.readJournal(this.#pools.reads, id) };
  }

  getState(service: string, key: string): Promise<Map<string, string>> {
    return reads.readStates(this.#pools.reads, service, key);
  }

  stats(): EngineStats {
    return statsOf(this.#succession);
  }

  countOpenInvocations(): Promise<OpenInvocations> {
    return countOpenInvocations(this.#pools.reads);
  }

  async #join(ids: IdBlocks): Promise<void> {
    const { databaseUrl, observer = UNOBSERVED } = this.#options;
    this.#succession = new Succession({
      databaseUrl,
      secret: this.#secret,
      limits: this.#limits,
      log: this.#log,
      observer,
      pool: this.#pools.reads,
      upkeepPool: this.#pools.upkeep,
      ids,
      handlerOf: (service, name) => this.#registry.find(service, name),
      isAwaited: (id) => this.#attachments.has(id),
      onEnded: (id, completion) => this.#attachments.settle(id, this.#outcomeOf(completion)),
    });
    await this.#succession.start();
    this.#wakeups = new Wakeups({
      databaseUrl,
      log: this.#log,
      onHint: (kind, hinted) => this.#onHint(kind, hinted),
      onConnected: () => {
        void this.#succession?.node?.rescan();
        this.#attachments.lookAtOldest().catch(this.#onUpkeepError);
      },
    });
    await this.#wakeups.open();
    const retentionIntervalMs = Math.min(LONGEST_RETENTION_INTERVAL_MS, this.#limits.retentionMs / 2);
    this.#periodics = [
      new Periodic(this.#limits.pollMs, () => this.#attachments.lookAtOldest(), this.#onUpkeepError),
      new Periodic(retentionIntervalMs, () => this.#deleteExpired(), this.#onUpkeepError),
    ];
  }

  async #stop(): Promise<void> {
    for (const periodic of this.#periodics) periodic.stop();
    await this.#wakeups?.close();
    await this.#succession?.stop().catch((error: unknown) => {
      this.#log.warn({ err: error }, "could not hand over what this server held; a peer takes it over");
    });
    this.#stopping.abort();
    this.#attachments.rejectAll(new EngineUnavailableError("this server is stopping", "unavailable"));
    await Promise.all([this.#pools.reads.end(), this.#pools.upkeep.end()]);
  }

  #outcomeOf(completion: Completion): Outcome {
    return outcomeFrom(completion, this.#succession?.databaseNow());
  }

  readonly #onUpkeepError = (error: unknown): void => {
    this.#log.debug({ err: error }, "upkeep failed; it is repeated");
  };

  #onHint(kind: string, ids: readonly number[]): void {
    const node = this.#succession?.node;
    if (kind === "r") node?.hintReady();
    else if (kind === "w") void node?.look(ids);
    else if (kind === "d") this.#attachments.settleElsewhere(ids).catch(this.#onUpkeepError);
  }

  async #deleteExpired(): Promise<void> {
    await deleteExpired(this.#pools.reads, this.#limits.retentionMs, this.#stopping.signal);
    await forgetNodes(this.#pools.reads);
  }

  async #accepted(id: number, repeated: boolean, delayed: boolean): Promise<Accepted> {
    const invocationId = formatInvocationId(id);
    if (!delayed) return { invocationId, repeated };
    const startAt = (await reads.readInvocation(this.#pools.reads, id))?.startAt;
    return { invocationId, repeated, ...(startAt ? { startAt } : {}) };
  }

  async #end(invocationId: string, how: "cancel" | "kill"): Promise<boolean> {
    const id = parseInvocationId(invocationId);
    const known = (await reads.readOutcomes(this.#pools.reads, [id])).get(id);
    if (known === "pending") await this.#complete({ kind: "stop", id, how });
    return known !== undefined;
  }

  #complete(operation: Operation): Promise<void> {
    return this.#submit<void>({ effects: [], weight: 1, urgent: true }, () => undefined, [operation]);
  }

  #submit<T>(
    shape: Pick<Unit, "effects" | "weight" | "urgent">,
    read: (results: readonly unknown[]) => T,
    operations: readonly Operation[] = [],
  ): Promise<T> {
    const succession = this.#takingCalls();
    return new Promise((resolve, reject) => {
      succession.submit({
        ...shape,
        survives: true,
        operations: () => operations,
        committed: (results) => resolve(read(results)),
        failed: reject,
      });
    });
  }

  #idBlocks(): IdBlocks {
    if (!this.#ids) throw new EngineUnavailableError("this server is not running", "unavailable");
    return this.#ids;
  }

  #takingCalls(): Succession {
    const succession = this.#succession;
    if (!succession || this.#stopped) throw new EngineUnavailableError("this server is not running", "unavailable");
    if (succession.queued < this.#limits.maxQueuedOperations) return succession;
    throw new EngineUnavailableError("too many calls wait to be written; try again later", "exhausted");
  }
}

function assertJson(text: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new TerminalError(`the value of an awakeable must be JSON: ${messageOf(error)}`, "invalid");
  }
}
