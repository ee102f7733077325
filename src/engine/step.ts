import type { Attempt } from "./attempt.ts";
import { messageOf, TerminalError } from "./errors.ts";
import { givesUp, retryDelayMs } from "./retry.ts";

/** How a step ended: its result as JSON, or the failure that is recorded instead. */
export type StepResult =
  | { readonly ok: true; readonly value: string; readonly effort: StepEffort }
  | { readonly ok: false; readonly error: TerminalError; readonly effort: StepEffort };

/** What a step took: how long its last try, and which one that was. */
export interface StepEffort {
  readonly durationMs: number;
  readonly tries: number;
}

export interface StepOptions {
  readonly name: string;
  /** Tries after which its failure is the handler's; undefined: none, the invocation is given up as its retry policy says. */
  readonly maxAttempts: number | undefined;
  /** Never resolves once the attempt is over. */
  pause(delayMs: number): Promise<void>;
}

/** Runs a step of a handler until it succeeds, fails for good, or is not to be tried again; never resolves where the attempt is given up. */
export async function tryStep<T>(
  attempt: Attempt,
  step: (signal: AbortSignal) => Promise<T> | T,
  { name, maxAttempts = Number.POSITIVE_INFINITY, pause }: StepOptions,
): Promise<StepResult> {
  const { retry } = attempt.handler;
  const begunAt = performance.now();
  for (let tries = 1; ; tries++) {
    // Nobody wants its result any more (A2).
    if (attempt.ended) return new Promise(() => {});
    attempt.enter();
    const startedAt = performance.now();
    const effort = () => ({ durationMs: Math.round(performance.now() - startedAt), tries });
    try {
      return { ok: true, value: JSON.stringify((await step(attempt.signal)) ?? null), effort: effort() };
    } catch (error) {
      if (error instanceof TerminalError || tries >= maxAttempts) {
        return { ok: false, error: toTerminalError(error), effort: effort() };
      }
      const failure = `step "${name}": ${messageOf(error)}`;
      attempt.noteFailedTry(failure, tries);
      const hopeless = givesUp({ failures: tries, failingMs: performance.now() - begunAt }, retry);
      // Not one that a cancellation keeps from succeeding: its handler has gone on without it.
      if (hopeless && maxAttempts === Number.POSITIVE_INFINITY && !attempt.signal.aborted) {
        attempt.park(new Error(failure, { cause: error }));
      }
    } finally {
      // What follows in the same turn, recording the result, counts itself.
      setImmediate(() => attempt.leave());
    }
    await pause(retryDelayMs(tries, retry));
  }
}

function toTerminalError(error: unknown): TerminalError {
  const kind = error instanceof TerminalError ? error.kind : "internal";
  return new TerminalError(messageOf(error), kind, { cause: error });
}
