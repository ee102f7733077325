import type { Attempt } from "./attempt.ts";
import type { Awakeable, Context, FanOutResult, Future, RaceResult, RunOptions, TxOptions } from "./context.ts";
import type { HandlerRef } from "./definition.ts";
import { type Effect, effectCall } from "./effect.ts";
import { type FailureKind, JournalMismatchError, TerminalError } from "./errors.ts";
import { DurableFuture } from "./future.ts";
import { formatAwakeableId, formatInvocationId } from "./ids.ts";
import { type Completion, type EntryKind, type EntryRecord, fanOutValue, JournalCursor } from "./journal.ts";
import type { Birth, EntryWrite, Operation } from "./operations.ts";
import { retryDelayMs } from "./retry.ts";
import { startTimer } from "./timer.ts";
import { Waits } from "./waits.ts";

type Decode<T> = (text: string) => T;
const asJson = <T>(text: string) => JSON.parse(text) as T;
const toJson = (value: unknown) => JSON.stringify(value ?? null);

/** The context of one attempt: replays what is recorded, records the rest. */
export class AttemptContext implements Context {
  readonly invocationId: string;
  readonly key: string;
  readonly signal: AbortSignal;
  readonly supersededBy: string | undefined;
  /** Set once the handler has left its journal's path; nothing is written from then on. */
  mismatch: JournalMismatchError | undefined;
  readonly #attempt: Attempt;
  readonly #cursor: JournalCursor;
  readonly #waits: Waits;
  readonly #pending = new Map<number, (completion: Completion) => void>();
  readonly #state = new Map<string, string | undefined>();
  readonly #timers = new Set<() => void>();
  #replaying = false;

  constructor(attempt: Attempt, records: readonly EntryRecord[]) {
    const { invocation } = attempt;
    this.#attempt = attempt;
    this.invocationId = formatInvocationId(invocation.id);
    this.key = invocation.key;
    this.signal = attempt.abort.signal;
    this.supersededBy =
      invocation.supersededBy === undefined ? undefined : formatInvocationId(invocation.supersededBy);
    this.#cursor = new JournalCursor(records);
    const cancelledBefore = records.some((record) => record.kind === "cancel");
    this.#waits = new Waits(this.#cursor, (entries) => this.#recordCancel(entries), cancelledBefore);
  }

  get replaying(): boolean {
    return this.#replaying;
  }

  get pendingEntries(): readonly number[] {
    return [...this.#pending.keys()];
  }

  run<T>(name: string, step: (signal: AbortSignal) => Promise<T> | T, options: RunOptions = {}): Future<T> {
    const { entry, record } = this.#take("run", name);
    if (record) return this.#settled(entry, record, asJson<T>);
    return this.#future(entry, this.#runStep(entry, name, step, options.maxAttempts ?? Number.POSITIVE_INFINITY));
  }

  tx<Row, Result, Output = never>(
    effect: Effect<Row, Result>,
    row: Row,
    options: TxOptions<Result, Output> = {},
  ): Future<Result | null> {
    const { entry, record } = this.#take("tx", effect.name);
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
        if (end) return [attempt.completionWrite(end)];
        return [this.#entry(entry, "tx", effect.name, { value: toJson(result) })];
      },
      ([result = null]) => {
        const end = outputOf(result as Result | null);
        if (end) attempt.finish(end);
        else resolve(result as Result | null);
      },
      [effectCall(effect, row)],
      2,
    );
    return this.#future(entry, promise);
  }

  call<I, O>(handler: HandlerRef<I, O>, key: string, input: I): Future<O> {
    const { entry, record } = this.#take("call", target(handler, key));
    if (record) return this.#settledOrPending(entry, record, handler.output.decode);
    const childId = this.#attempt.host.allocateIds(1);
    const birth = this.#birth(handler, key, input, childId, { parentEntry: entry, claim: this.#attempt.host.room() > 0 });
    this.#write([birth, this.#entry(entry, "call", target(handler, key), { childId })]);
    return this.#wait(entry, handler.output.decode);
  }

  send<I, O>(handler: HandlerRef<I, O>, key: string, input: I, options: { delayMs?: number } = {}): Future<string> {
    const { entry, record } = this.#take("send", target(handler, key));
    if (record) return this.#future(entry, Promise.resolve(formatInvocationId(record.childId ?? 0)));
    const childId = this.#attempt.host.allocateIds(1);
    const claim = options.delayMs === undefined && this.#attempt.host.room() > 0;
    const birth = this.#birth(handler, key, input, childId, { claim, ...options });
    const written = this.#write([birth, this.#entry(entry, "send", target(handler, key), { childId })]);
    return this.#future(entry, written.then(() => formatInvocationId(childId)));
  }

  fanOut<I, O>(handler: HandlerRef<I, O>, calls: readonly { key: string; input: I }[]): Future<FanOutResult> {
    const name = `${handler.service}/${handler.name}`;
    const { entry, record } = this.#take("fan_out", name);
    if (record) return this.#settledOrPending(entry, record, asJson<FanOutResult>);
    const first = this.#attempt.host.allocateIds(calls.length);
    const room = this.#attempt.host.room();
    const births = calls.map(({ key, input }, i) =>
      this.#birth(handler, key, input, first + i, { parentEntry: entry, claim: i < room, priority: 1 }),
    );
    const write = this.#entry(entry, "fan_out", name, { childId: first, children: calls.length });
    const written = this.#write([write, ...births]);
    const future = this.#wait(entry, asJson<FanOutResult>);
    if (calls.length === 0) void written.then(() => this.deliver(entry, { ok: true, value: fanOutValue(0, 0) }));
    return future;
  }

  sleep(delayMs: number): Future<void> {
    const { entry, record } = this.#take("sleep", "");
    const future = this.#wait(entry, () => undefined);
    this.#attempt.hasTimers = true;
    if (!record) {
      const { id } = this.#attempt.invocation;
      this.#write([{ kind: "timer", invocationId: id, entry, delayMs }, this.#entry(entry, "sleep", "", {})]);
    }
    this.#timers.add(
      startTimer(record?.remainingMs ?? delayMs, () => this.deliver(entry, { ok: true, value: "null" })),
    );
    return future;
  }

  awakeable<T>(): Awakeable<T> {
    const { entry, record } = this.#take("awakeable", "");
    const { secret } = this.#attempt.host;
    const id = formatAwakeableId({ invocationId: this.#attempt.invocation.id, entry }, secret);
    return { id, value: record ? this.#settledOrPending(entry, record, asJson<T>) : this.#wait(entry, asJson<T>) };
  }

  get<T>(name: string): Future<T | undefined> {
    const { entry, record } = this.#take("get", name);
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
    const { entry, record } = this.#take("race", "");
    if (record?.completion?.ok) return { index: Number(record.completion.value) };
    const index = await this.#waits.waitAny(futures as readonly DurableFuture<unknown>[]);
    // Needs no wait: whatever the handler does next is written after it.
    this.#write([this.#entry(entry, "race", "", { value: String(index) })]);
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

  stopTimers(): void {
    for (const stop of this.#timers) stop();
    this.#timers.clear();
  }

  /** Throws where the handler ends although its journal goes on. */
  assertFinished(): void {
    if (this.mismatch) throw this.mismatch;
    this.#cursor.assertAtEnd();
  }

  #take(kind: EntryKind, name: string): { entry: number; record: EntryRecord | undefined } {
    if (this.mismatch) throw this.mismatch;
    try {
      const taken = this.#cursor.take(kind, name);
      this.#replaying = taken.record !== undefined;
      return taken;
    } catch (error) {
      if (error instanceof JournalMismatchError) this.mismatch = error;
      throw error;
    }
  }

  async #runStep<T>(
    entry: number,
    name: string,
    step: (signal: AbortSignal) => Promise<T> | T,
    maxAttempts: number,
  ): Promise<T> {
    const attempt = this.#attempt;
    for (let tries = 1; ; tries++) {
      attempt.enter();
      try {
        const value = toJson(await step(this.signal));
        await this.#write([this.#entry(entry, "run", name, { value })]);
        return asJson<T>(value);
      } catch (error) {
        if (error instanceof TerminalError || tries >= maxAttempts) {
          const { kind, message } = toTerminalError(error);
          await this.#write([this.#entry(entry, "run", name, { failureKind: kind, failure: message })]);
          throw new TerminalError(message, kind, { cause: error });
        }
        await this.#pause(retryDelayMs(tries));
      } finally {
        attempt.leave();
      }
    }
  }

  #pause(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#timers.add(startTimer(delayMs, resolve));
    return promise;
  }

  async #readState(entry: number, name: string): Promise<string> {
    const { invocation, host } = this.#attempt;
    this.#attempt.enter();
    try {
      if (!this.#state.has(name)) this.#state.set(name, await host.readState(invocation.service, invocation.key, name));
      const text = this.#state.get(name);
      const value = text === undefined ? "{}" : `{"value":${text}}`;
      await this.#write([this.#entry(entry, "get", name, { value })]);
      return value;
    } finally {
      this.#attempt.leave();
    }
  }

  #writeState(kind: "set" | "clear", name: string, value: string | null): Future<void> {
    const { service, key, exclusive } = this.#attempt.invocation;
    if (!exclusive) throw new TerminalError(`state "${name}": only exclusive handlers write state`, "internal");
    const { entry, record } = this.#take(kind, name);
    this.#state.set(name, value ?? undefined);
    if (record) return this.#future(entry, Promise.resolve());
    const written = this.#write([
      { kind: "state", service, key, name, value },
      this.#entry(entry, kind, name, { value: value ?? "null" }),
    ]);
    return this.#future(entry, written);
  }

  #recorded(kind: "now" | "random", read: () => number): Future<number> {
    const { entry, record } = this.#take(kind, "");
    if (record) return this.#settled(entry, record, Number);
    const value = read();
    return this.#future(entry, this.#write([this.#entry(entry, kind, "", { value: String(value) })]).then(() => value));
  }

  #recordCancel(entries: readonly number[]): void {
    const { entry } = this.#cursor.take("cancel", "");
    this.#write([this.#entry(entry, "cancel", "", { value: toJson(entries) })]);
  }

  /** Resolves after the commit; never, where the attempt ends before. */
  #write(operations: readonly Operation[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (!this.mismatch) this.#attempt.submit(() => operations, () => resolve(), [], operations.length);
    return promise;
  }

  #entry(entry: number, entryKind: EntryKind, name: string, rest: Partial<EntryWrite>): EntryWrite {
    return { kind: "entry", invocationId: this.#attempt.invocation.id, entry, entryKind, name, ...rest };
  }

  #birth<I, O>(handler: HandlerRef<I, O>, key: string, input: I, id: number, rest: Partial<Birth>): Birth {
    const { invocation, host } = this.#attempt;
    return {
      kind: "birth",
      id,
      service: handler.service,
      key,
      handler: handler.name,
      exclusive: host.isExclusive(handler.service, handler.name),
      priority: 0,
      claim: false,
      input: handler.input.encode(input),
      parentId: invocation.id,
      ...(invocation.requestId === undefined ? {} : { requestId: invocation.requestId }),
      ...rest,
    };
  }

  #future<T>(entry: number, promise: Promise<T>): Future<T> {
    return new DurableFuture(entry, promise, this.#waits);
  }

  #settled<T>(entry: number, record: EntryRecord, decode: Decode<T>): Future<T> {
    const { completion } = record;
    if (!completion) throw new JournalMismatchError(`entry ${entry}: ${record.kind} has no result`);
    return this.#future(entry, new Promise((resolve) => resolve(decodeCompletion(completion, decode))));
  }

  #settledOrPending<T>(entry: number, record: EntryRecord, decode: Decode<T>): Future<T> {
    return record.completion ? this.#settled(entry, record, decode) : this.#wait(entry, decode);
  }

  #wait<T>(entry: number, decode: Decode<T>): Future<T> {
    const { promise, resolve } = Promise.withResolvers<Completion>();
    this.#pending.set(entry, resolve);
    return this.#future(entry, promise.then((completion) => decodeCompletion(completion, decode)));
  }
}

function decodeCompletion<T>(completion: Completion, decode: Decode<T>): T {
  if (!completion.ok) throw new TerminalError(completion.message, completion.kind);
  return decode(completion.value);
}

function toTerminalError(error: unknown): { kind: FailureKind; message: string } {
  if (error instanceof TerminalError) return { kind: error.kind, message: error.message };
  return { kind: "internal", message: error instanceof Error ? error.message : String(error) };
}

function target(handler: HandlerRef<never, never> | HandlerRef<any, any>, key: string): string {
  return `${handler.service}/${key}/${handler.name}`;
}
