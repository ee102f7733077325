import type { HandlerRef } from "./definition.ts";
import type { Effect } from "./effect.ts";

/**
 * The outcome of a durable operation, under way from the moment it is made.
 * Await it, or hand it to `all` or `race`. Awaiting it twice is fine.
 */
export interface Future<T> extends PromiseLike<T> {
  /** Index of the journal entry behind it. */
  readonly entry: number;
}

/** A promise that something outside completes through its id. */
export interface Awakeable<T> {
  /** Give it to whoever completes it. Known to be unguessable. Survives crashes. */
  readonly id: string;
  readonly value: Future<T>;
}

export interface RunOptions {
  /**
   * Tries before the step's failure is the handler's. Default: it never is; the
   * invocation is given up as the retry policy of its handler says.
   */
  maxAttempts?: number;
}

export interface TxOptions<Result, Output> {
  /**
   * Ends the invocation in the same commit: gets the effect's result (null: it
   * missed) and answers with the handler's output, or undefined to go on. Pure.
   */
  end?: (result: Result | null) => { output: Output } | undefined;
  /** Hears of the result after the commit, also where it ended the invocation; never in a replay. See `effectCall`. */
  committed?: (result: Result | null) => void;
}

/** How many of a fan-out's calls ended how. */
export interface FanOutResult {
  readonly succeeded: number;
  readonly failed: number;
}

export type RaceResult = {
  /** Position in the list of the future that was completed first; the same in every replay. */
  readonly index: number;
};

/**
 * What a handler sees of the engine, and all it may use that is not
 * deterministic. Operations take their place in the journal in the order in
 * which they are made; make them one after the other, not from callbacks that
 * race each other.
 */
export interface Context {
  readonly invocationId: string;
  readonly key: string;
  /** Of the call from outside that this came of; goes into log lines. */
  readonly requestId: string | undefined;
  /** True while the handler repeats what its journal has; for what should happen once, such as a log line. */
  readonly replaying: boolean;
  /** Aborted when the invocation is cancelled or killed, or its node stops. */
  readonly signal: AbortSignal;
  /**
   * Id of a later invocation of the same handler kind that waited for this key
   * when this one's turn came; unset where none did.
   */
  readonly supersededBy: string | undefined;

  /** Runs a step with effects outside: at least once. Its result is recorded and never changes. */
  run<T>(name: string, step: (signal: AbortSignal) => Promise<T> | T, options?: RunOptions): Future<T>;
  /** Adds a row to an effect: exactly once, together with its journal entry. Null: it missed. */
  tx<Row, Result, Output = never>(
    effect: Effect<Row, Result>,
    row: Row,
    options?: TxOptions<Result, Output>,
  ): Future<Result | null>;
  /** Calls another handler and hands back its output. It is born together with this entry. */
  call<I, O>(handler: HandlerRef<I, O>, key: string, input: I): Future<O>;
  /** Calls another handler without waiting for it. Hands back its invocation id. */
  send<I, O>(handler: HandlerRef<I, O>, key: string, input: I, options?: { delayMs?: number }): Future<string>;
  /** Calls one handler under many keys as a single entry; done when all have ended. Any number of calls. */
  fanOut<I, O>(handler: HandlerRef<I, O>, calls: readonly { key: string; input: I }[]): Future<FanOutResult>;
  /** A timer that survives crashes, by the database's clock. */
  sleep(delayMs: number): Future<void>;
  awakeable<T>(): Awakeable<T>;
  /** State of this object and key. Undefined where it was never set. */
  get<T>(name: string): Future<T | undefined>;
  /** Exclusive handlers only. Commits with the next entry. */
  set<T>(name: string, value: T): Future<void>;
  /** Exclusive handlers only. */
  clear(name: string): Future<void>;
  /** The database's time, recorded: milliseconds since 1970. */
  now(): Future<number>;
  /** Between 0 and 1, recorded. */
  random(): Future<number>;
  /** All of them, in order; rejects with the first failure in list order. */
  all<T extends readonly Future<unknown>[]>(futures: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>;
  /** Waits until one of them is completed and records which. Does not read its value: await that future for it. */
  race(futures: readonly Future<unknown>[]): Promise<RaceResult>;
}
