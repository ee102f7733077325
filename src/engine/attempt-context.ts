import type { Attempt } from "./attempt.ts";
import { AttemptTimers } from "./attempt-timers.ts";
import type { Awakeable, Context, FanOutResult, Future, RaceResult, RunOptions, TxOptions } from "./context.ts";
import type { HandlerRef } from "./definition.ts";
import { type Effect, effectCall } from "./effect.ts";
import { JournalMismatchError, TerminalError } from "./errors.ts";
import { DurableFuture } from "./future.ts";
import { formatAwakeableId, formatInvocationId } from "./ids.ts";
import { type Completion, type EntryRecord, fanOutValue } from "./journal.ts";
import { type Decode, decodeCompletion } from "./decode-completion.ts";
import { ObjectState } from "./object-state.ts";
import { childBirth, Recorder } from "./recorder.ts";
import { tryStep } from "./step.ts";
import { Waits } from "./waits.ts";

const asJson = <T>(text: string) => JSON.parse(text) as T;
const toJson = (value: unknown) => JSON.stringify(value ?? null);

/** The context of one attempt: replays what is recorded, records the rest. */
export class AttemptContext implements Context {
  readonly invocationId: string;
  readonly key: string;
  readonly requestId: string | undefined;
  readonly supersededBy: string | undefined;
  readonly #attempt: Attempt;
  readonly recorder: Recorder;
  readonly #waits: Waits;
  readonly #pending = new Map<number, (completion: Completion) => void>();
  readonly #state: ObjectState;
  readonly timers = new AttemptTimers();

  constructor(attempt: Attempt, records: readonly EntryRecord[]) {
    const { invocation } = attempt;
    this.#attempt = attempt;
    this.invocationId = formatInvocationId(invocation.id);
    this.key = invocation.key;
    this.requestId = invocation.requestId;
    this.supersededBy = invocation.supersededBy === undefined ? undefined : formatInvocationId(invocation.supersededBy);
    this.recorder = new Recorder(attempt, records);
    this.#state = new ObjectState(attempt);
    const cancelledBefore = records.some((record) => record.kind === "cancel");
    this.#waits = new Waits(this.recorder.cursor, (entries) => this.#recordCancel(entries), cancelledBefore);
  }

  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  get replaying(): boolean {
    return this.recorder.replaying;
  }

  get pendingEntries(): readonly number[] {
    return [...this.#pending.keys()];
  }

  run<T>(name: string, step: (signal: AbortSignal) => Promise<T> | T, options: RunOptions = {}): Future<T> {
    const { entry, record } = this.recorder.take("run", name);
    if (record) return this.#settled(entry, record, asJson<T>);
    return this.#future(entry, this.#runStep(entry, name, step, options.maxAttempts));
  }

  tx<Row, Result, Output = never>(
    effect: Effect<Row, Result>,
    row: Row,
    options: TxOptions<Result, Output> = {},
  ): Future<Result | null> {
    const { entry, record } = this.recorder.take("tx", effect.name);
    if (record) return this.#settled(entry, record, asJson<Result | null>);
    const { promise, resolve } = Promise.withResolvers<Result | null>();
    const attempt = this.#attempt;
    const outputOf = (result: Result | null): Completion | undefined => {
      const end = options.end?.(result);
      return end && { ok: true, value: attempt.handler.output.encode(end.output as never) };
    };
    attempt.submit(
      ([result = null]) => {
        const end = outputOf(result as Result | null);
        const ends = attempt.endByTx(end);
        if (ends.length > 0) return ends;
        return [this.recorder.entry(entry, "tx", effect.name, { value: toJson(result) })];
      },
      ([result = null]) => {
        const end = outputOf(result as Result | null);
        if (end) attempt.finish(end);
        else if (!attempt.ended) resolve(result as Result | null);
      },
      [effectCall(effect, row, options.committed)],
      2,
    );
    return this.#future(entry, promise);
  }

  call<I, O>(handler: HandlerRef<I, O>, key: string, input: I): Future<O> {
    const { entry, record } = this.recorder.take("call", target(handler, key));
    if (record) return this.#settledOrPending(entry, record, handler.output.decode);
    const childId = this.#attempt.host.allocateIds(1);
    const birth = childBirth(this.#attempt, handler, key, input, childId, {
      parentEntry: entry,
      claim: this.#attempt.host.room() > 0,
    });
    void this.recorder.write([birth, this.recorder.entry(entry, "call", target(handler, key), { childId })]);
    return this.#wait(entry, handler.output.decode);
  }

  send<I, O>(handler: HandlerRef<I, O>, key: string, input: I, options: { delayMs?: number } = {}): Future<string> {
    const { entry, record } = this.recorder.take("send", target(handler, key));
    if (record) return this.#future(entry, Promise.resolve(formatInvocationId(record.childId ?? 0)), true);
    const childId = this.#attempt.host.allocateIds(1);
    const claim = options.delayMs === undefined && this.#attempt.host.room() > 0;
    const birth = childBirth(this.#attempt, handler, key, input, childId, { claim, ...options });
    const written = this.recorder.write([birth, this.recorder.entry(entry, "send", target(handler, key), { childId })]);
    return this.#future(
      entry,
      written.then(() => formatInvocationId(childId)),
    );
  }

  fanOut<I, O>(handler: HandlerRef<I, O>, calls: readonly { key: string; input: I }[]): Future<FanOutResult> {
    const name = `${handler.service}/${handler.name}`;
    const { entry, record } = this.recorder.take("fan_out", name);
    if (record) return this.#settledOrPending(entry, record, asJson<FanOutResult>);
    const first = this.#attempt.host.allocateIds(calls.length);
    const room = this.#attempt.host.room();
    const births = calls.map(({ key, input }, i) =>
      childBirth(this.#attempt, handler, key, input, first + i, { parentEntry: entry, claim: i < room, priority: 1 }),
    );
    const write = this.recorder.entry(entry, "fan_out", name, { childId: first, children: calls.length });
    const written = this.recorder.write([write, ...births]);
    const future = this.#wait(entry, asJson<FanOutResult>);
    if (calls.length === 0) void written.then(() => this.deliver(entry, { ok: true, value: fanOutValue(0, 0) }));
    return future;
  }

  sleep(delayMs: number): Future<void> {
    const { entry, record } = this.recorder.take("sleep", "");
    const future = this.#wait(entry, () => undefined);
    this.#attempt.hasTimers = true;
    if (!record) {
      const { id } = this.#attempt.invocation;
      void this.recorder.write([
        { kind: "timer", invocationId: id, entry, delayMs },
        this.recorder.entry(entry, "sleep", "", {}),
      ]);
    }
    this.timers.start(record?.remainingMs ?? delayMs, () => this.deliver(entry, { ok: true, value: "null" }));
    return future;
  }

  awakeable<T>(): Awakeable<T> {
    const { entry, record } = this.recorder.take("awakeable", "");
    const { secret } = this.#attempt.host;
    const id = formatAwakeableId({ invocationId: this.#attempt.invocation.id, entry }, secret);
    return { id, value: record ? this.#settledOrPending(entry, record, asJson<T>) : this.#wait(entry, asJson<T>) };
  }

  get<T>(name: string): Future<T | undefined> {
    const { entry, record } = this.recorder.take("get", name);
    const decode = (text: string) => (JSON.parse(text) as { value?: T }).value;
    if (record) return this.#settled(entry, record, decode);
    return this.#future(entry, this.#readState(entry, name).then(decode));
  }

  set<T>(name: string, value: T): Future<void> {
    return this.#writeState("set", name, toJson(value));
  }

  clear(name: string): Future<void> {
    return this.#writeState("clear", name, null);
  }

  now(): Future<number> {
    return this.#recorded("now", () => this.#attempt.host.databaseNow());
  }

  random(): Future<number> {
    return this.#recorded("random", () => Math.random());
  }

  async all<T extends readonly Future<unknown>[]>(futures: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
    const values: unknown[] = [];
    for (const future of futures) values.push(await future);
    return values as { -readonly [K in keyof T]: Awaited<T[K]> };
  }

  async race(futures: readonly Future<unknown>[]): Promise<RaceResult> {
    const { entry, record } = this.recorder.take("race", "");
    if (record?.completion?.ok) return { index: Number(record.completion.value) };
    const index = await this.#waits.waitAny(futures as readonly DurableFuture<unknown>[]);
    // Needs no wait: whatever the handler does next is written after it.
    void this.recorder.write([this.recorder.entry(entry, "race", "", { value: String(index) })]);
    return { index };
  }

  deliver(entry: number, completion: Completion): void {
    const complete = this.#pending.get(entry);
    if (!complete) return;
    this.#pending.delete(entry);
    // The handler goes on in a microtask; leaving after it keeps the slot until then.
    this.#attempt.enter();
    complete(completion);
    setImmediate(() => this.#attempt.leave());
  }

  cancel(): void {
    this.#waits.cancel();
  }

  async #runStep<T>(
    entry: number,
    name: string,
    step: (signal: AbortSignal) => Promise<T> | T,
    maxAttempts: number | undefined,
  ): Promise<T> {
    const tried = await tryStep(this.#attempt, step, {
      name,
      maxAttempts,
      pause: (delayMs) => this.timers.pause(delayMs),
    });
    const result = tried.ok ? { value: tried.value } : { failureKind: tried.error.kind, failure: tried.error.message };
    await this.recorder.write([this.recorder.entry(entry, "run", name, { ...result, ...tried.effort })]);
    if (!tried.ok) throw tried.error;
    return asJson<T>(tried.value);
  }

  async #readState(entry: number, name: string): Promise<string> {
    this.#attempt.enter();
    try {
      const text = await this.#state.read(name);
      const value = text === undefined ? "{}" : `{"value":${text}}`;
      await this.recorder.write([this.recorder.entry(entry, "get", name, { value })]);
      return value;
    } finally {
      this.#attempt.leave();
    }
  }

  #writeState(kind: "set" | "clear", name: string, value: string | null): Future<void> {
    const { service, key, exclusive } = this.#attempt.invocation;
    if (!exclusive) throw new TerminalError(`state "${name}": only exclusive handlers write state`, "internal");
    const { entry, record } = this.recorder.take(kind, name);
    this.#state.write(name, value ?? undefined);
    if (record) return this.#future(entry, Promise.resolve(), true);
    const written = this.recorder.write([
      { kind: "state", service, key, name, value },
      this.recorder.entry(entry, kind, name, { value: value ?? "null" }),
    ]);
    return this.#future(entry, written);
  }

  #recorded(kind: "now" | "random", read: () => number): Future<number> {
    const { entry, record } = this.recorder.take(kind, "");
    if (record) return this.#settled(entry, record, Number);
    const value = read();
    return this.#future(
      entry,
      this.recorder.write([this.recorder.entry(entry, kind, "", { value: String(value) })]).then(() => value),
    );
  }

  #recordCancel(entries: readonly number[]): void {
    const { entry } = this.recorder.cursor.take("cancel", "");
    void this.recorder.write([this.recorder.entry(entry, "cancel", "", { value: toJson(entries) })]);
  }

  #future<T>(entry: number, promise: Promise<T>, settled = false): Future<T> {
    return new DurableFuture(entry, promise, this.#waits, settled);
  }

  #settled<T>(entry: number, record: EntryRecord, decode: Decode<T>): Future<T> {
    const { completion } = record;
    if (!completion) throw new JournalMismatchError(`entry ${entry}: ${record.kind} has no result`);
    return this.#future(entry, new Promise((resolve) => resolve(decodeCompletion(completion, decode))), true);
  }

  #settledOrPending<T>(entry: number, record: EntryRecord, decode: Decode<T>): Future<T> {
    return record.completion ? this.#settled(entry, record, decode) : this.#wait(entry, decode);
  }

  #wait<T>(entry: number, decode: Decode<T>): Future<T> {
    const { promise, resolve } = Promise.withResolvers<Completion>();
    this.#pending.set(entry, resolve);
    return this.#future(
      entry,
      promise.then((completion) => decodeCompletion(completion, decode)),
    );
  }
}

function target(handler: Pick<HandlerRef<never, never>, "service" | "name">, key: string): string {
  return `${handler.service}/${key}/${handler.name}`;
}
