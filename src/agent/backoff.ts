import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";

const FIRST_DELAY_MS = 100;
/** A hydra that restarts is back within a second: its agents should not sleep through that. */
const WAITING_FOR_HYDRA = 10;
const LONGEST_DELAY_MS = 10_000;
/** Whatever somebody who was asked says: a person who repairs it should not have to wait for an hour. */
const MOST_HEEDED_MS = 300_000;

/** Refusals that repeating alone does not change: a person has to. */
const FOR_A_PERSON = new Set([
  Code.InvalidArgument,
  Code.FailedPrecondition,
  Code.Unauthenticated,
  Code.PermissionDenied,
  Code.Unimplemented,
]);

/** Does it take a person to make this call succeed? */
export function needsPerson(error: unknown): boolean {
  return FOR_A_PERSON.has(ConnectError.from(error).code);
}

/**
 * Waits between attempts: 100 ms, doubling, at most 10 s, the half of it random,
 * so that the agents of a restarted server do not come back at the same moment.
 * An error's own `retryAfterMs` comes on top, up to 5 min.
 */
export class Backoff {
  readonly #steadyFailures: number;
  #failures = 0;

  private constructor(steadyFailures: number) {
    this.#steadyFailures = steadyFailures;
  }

  /** The first ten waits do not double. */
  static forHydra(): Backoff {
    return new Backoff(WAITING_FOR_HYDRA);
  }

  static forCluster(): Backoff {
    return new Backoff(1);
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** The last attempt was a success. */
  reset(): void {
    this.#failures = 0;
  }

  /** Resolves when it is time for the next attempt, or when the signal is aborted. */
  async wait(error: unknown, signal: AbortSignal): Promise<void> {
    this.#failures += 1;
    const delayMs = needsPerson(error) ? LONGEST_DELAY_MS : longestWaitMs(this.#failures, this.#steadyFailures);
    const heededMs = Math.min(MOST_HEEDED_MS, (error as { retryAfterMs?: number } | undefined)?.retryAfterMs ?? 0);
    await delay(heededMs + delayMs * (0.5 + 0.5 * Math.random()), undefined, { signal }).catch(() => {});
  }
}

/** After so many failures in a row, of which the first few do not make it longer. */
export function longestWaitMs(failures: number, steadyFailures: number): number {
  const doublings = Math.min(Math.max(0, failures - steadyFailures), 20);
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** doublings);
}
