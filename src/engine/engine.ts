import type {
  Accepted,
  Ending,
  Engine,
  EngineLog,
  EngineOptions,
  EngineStats,
  Invocation,
  InvocationFilter,
  InvocationRecord,
  JournalRecord,
  OpenInvocations,
  Outcome,
  Restart,
} from "./api.ts";
import { Attachments } from "./attachments.ts";
import type { AnyHandler } from "./definition.ts";
import type { Effect } from "./effect.ts";
import { EngineUnavailableError, TerminalError } from "./errors.ts";
import { parseInvocationId } from "./ids.ts";
import type { Completion } from "./journal.ts";
import { DEFAULT_LIMITS, type EngineLimits } from "./limits.ts";
import { UNOBSERVED } from "./observer.ts";
import { type CallSource, callUnit, type StoredCall } from "./outside-call.ts";
import { OutsideWrites } from "./outside-writes.ts";
import { Periodic } from "./periodic.ts";
import { Records } from "./records.ts";
import { Registry } from "./registry.ts";
import { statsOf } from "./stats.ts";
import { isOutOfConnections, noConnectionLeft } from "./store/failure.ts";
import { IdBlocks } from "./store/ids.ts";
import { engineMigrations, migrate, warnOfNewer } from "./store/migrate.ts";
import { forgetNodes } from "./store/nodes.ts";
import { openPools, type Pools } from "./store/pool.ts";
import { readSecret } from "./store/reads.ts";
import { deleteExpired, type Retention, shortestRetentionMs } from "./store/retention.ts";
import { Succession } from "./succession.ts";
import { Verbs } from "./verbs.ts";
import { outcomeFrom } from "./waiters.ts";
import { Wakeups } from "./wakeups.ts";

const LONGEST_RETENTION_INTERVAL_MS = 60_000;
const BUSY_RETRY_AFTER_MS = 1_000;
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
  readonly #retention: Retention;
  readonly #attachments: Attachments;
  readonly #records: Records;
  readonly #writes = new OutsideWrites(() => this.#takingCalls());
  readonly #verbs: Verbs;
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
    this.#registry = new Registry(options.handlers, options.services ?? {});
    this.#retention = this.#registry.retention(this.#limits.retentionMs);
    this.#pools = openPools(options.databaseUrl, this.#log);
    const isLocal = (id: number) => this.#succession?.node?.residents.has(id) ?? false;
    this.#attachments = new Attachments(this.#pools.reads, isLocal);
    this.#records = new Records(this.#pools.reads);
    this.#verbs = new Verbs({
      secret: () => this.#secret,
      pool: this.#pools.reads,
      writes: this.#writes,
      handlerOf: (service, name) => this.#registry.find(service, name),
      repeat: (invocation, source) => this.invoke(invocation, source),
    });
  }

  async start(): Promise<void> {
    try {
      warnOfNewer(this.#log, await migrate({ databaseUrl: this.#options.databaseUrl, ...engineMigrations }));
      this.#secret = await readSecret(this.#pools.reads);
      this.#ids = await IdBlocks.open(this.#pools.reads);
      await this.#join(this.#ids);
    } catch (error) {
      await this.stop();
      throw isOutOfConnections(error) ? noConnectionLeft(error) : error;
    }
  }

  drain(): void {
    this.#succession?.drain();
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  handlers(): readonly AnyHandler[] {
    return this.#registry.all;
  }

  async invoke(invocation: Invocation, source?: CallSource): Promise<Accepted> {
    const { service, handler: name } = invocation;
    const handler = this.#registry.find(service, name);
    if (!handler) throw new TerminalError(`there is no handler ${service}/${name}`, "not_found");
    const succession = this.#takingCalls();
    const id = this.#idBlocks().take(1);
    const { repeatOf, output } = await new Promise<StoredCall>((resolve, reject) => {
      const claim = succession.node?.hasRoomForCall() ?? false;
      succession.submit(
        callUnit({ invocation, handler, id, claim, ...(source && { source }), committed: resolve, failed: reject }),
      );
    });
    const repeated = repeatOf !== undefined;
    if (output !== undefined && !repeated) {
      this.#attachments.remember(id, this.#outcomeOf({ ok: true, value: output }));
    }
    return this.#records.accepted(repeatOf ?? id, { repeated, delayed: invocation.delayMs !== undefined });
  }

  async attach(invocationId: string, signal?: AbortSignal): Promise<Outcome | undefined> {
    return await this.#attachments.attach(parseInvocationId(invocationId), signal);
  }

  output(invocationId: string): Promise<Outcome | "pending" | undefined> {
    return this.#records.output(invocationId);
  }

  lookup(call: { service: string; key: string; handler: string; idempotencyKey: string }) {
    return this.#records.lookup(call);
  }

  execute<Row, Result>(effect: Effect<Row, Result>, row: Row): Promise<Result | null> {
    return this.#writes.execute(effect, row);
  }

  executeMany<Row, Result>(effect: Effect<Row, Result>, rows: readonly Row[]): Promise<(Result | null)[]> {
    return this.#writes.executeMany(effect, rows);
  }

  resolveAwakeable(awakeableId: string, value: string): Promise<void> {
    return this.#verbs.resolve(awakeableId, value);
  }

  rejectAwakeable(awakeableId: string, reason: string): Promise<void> {
    return this.#verbs.reject(awakeableId, reason);
  }

  cancel(invocationId: string, ending?: Ending): Promise<boolean> {
    return this.#verbs.end(invocationId, "cancel", ending);
  }

  kill(invocationId: string, ending?: Ending): Promise<boolean> {
    return this.#verbs.end(invocationId, "kill", ending);
  }

  pause(invocationId: string): Promise<boolean> {
    return this.#verbs.pause(invocationId);
  }

  resume(invocationId: string): Promise<boolean> {
    return this.#verbs.resume(invocationId, { hurry: false });
  }

  retry(invocationId: string): Promise<boolean> {
    return this.#verbs.resume(invocationId, { hurry: true });
  }

  restart(invocationId: string, restart: Restart = {}): Promise<Accepted | undefined> {
    return this.#verbs.restart(invocationId, restart);
  }

  purge(invocationId: string): Promise<boolean> {
    return this.#verbs.purge(invocationId);
  }

  listInvocations(filter: InvocationFilter): Promise<InvocationRecord[]> {
    return this.#records.list(filter);
  }

  getInvocation(invocationId: string): Promise<{ invocation: InvocationRecord; journal: JournalRecord[] } | undefined> {
    return this.#records.get(invocationId);
  }

  getState(service: string, key: string): Promise<Map<string, string>> {
    return this.#records.state(service, key);
  }

  stats(): EngineStats {
    return statsOf(this.#succession);
  }

  countOpenInvocations(): Promise<OpenInvocations> {
    return this.#records.countOpen();
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
      handlerNames: this.#registry.all.map(({ service, name }) => `${service}/${name}`),
      isAwaited: (id) => this.#attachments.has(id),
      onSilent: () => {
        this.#pools.cut();
        this.#wakeups?.cut();
      },
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
    const shortestMs = shortestRetentionMs(this.#retention);
    const retentionIntervalMs = Math.min(LONGEST_RETENTION_INTERVAL_MS, shortestMs / 2);
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
    await this.#pools.end();
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
    else if (kind === "t") node?.residents.hurry(ids);
    else if (kind === "d") this.#attachments.settleElsewhere(ids).catch(this.#onUpkeepError);
  }

  async #deleteExpired(): Promise<void> {
    await deleteExpired(this.#pools.reads, this.#retention, this.#stopping.signal);
    await forgetNodes(this.#pools.reads);
  }

  #idBlocks(): IdBlocks {
    if (!this.#ids) throw new EngineUnavailableError("this server is not running", "unavailable");
    return this.#ids;
  }

  #takingCalls(): Succession {
    const succession = this.#succession;
    if (!succession || this.#stopped) throw new EngineUnavailableError("this server is not running", "unavailable");
    if (succession.queued < this.#limits.maxQueuedOperations) return succession;
    throw new EngineUnavailableError("too many calls wait to be written; try again later", "exhausted", {
      retryAfterMs: BUSY_RETRY_AFTER_MS,
    });
  }
}
