import type { Attempt } from "./attempt.ts";
import { messageOf, TerminalError } from "./errors.ts";
import { retryDelayMs } from "./retry.ts";
import { startTimer } from "./timer.ts";

/** How a step ended: its result as JSON, or the failure that is recorded instead. */
export type StepResult =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly error: TerminalError };

/** Runs a step of a handler until it succeeds, fails for good, or has failed `maxAttempts` times. */
export async function tryStep<T>(
  attempt: Attempt,
  step: (signal: AbortSignal) => Promise<T> | T,
  maxAttempts: number,
  onPause: (stop: () => void) => void,
): Promise<StepResult> {
  for (let tries = 1; ; tries++) {
    // Nobody wants its result any more (A2).
    if (attempt.ended) return new Promise(() => {});
    attempt.enter();
    try {
      return { ok: true, value: JSON.stringify((await step(attempt.signal)) ?? null) };
    } catch (error) {
      if (error instanceof TerminalError || tries >= maxAttempts) return { ok: false, error: toTerminalError(error) };
    } finally {
      // What follows in the same turn, recording the result, counts itself.
      setImmediate(() => attempt.leave());
    }
    await new Promise<void>((resolve) => onPause(startTimer(retryDelayMs(tries), resolve)));
  }
}

function toTerminalError(error: unknown): TerminalError {
  const kind = error instanceof TerminalError ? error.kind : "internal";
  return new TerminalError(messageOf(error), kind, { cause: error });
}
