/** How what failed is tried again: attempts of an invocation, and tries of a step. */
export interface RetryPolicy {
  /** Before the second try; each later pause is twice as long. Default 50. */
  readonly firstDelayMs?: number;
  /** The longest pause. Default 10,000. */
  readonly longestDelayMs?: number;
  /** Failures in a row after which it is parked (or ended, where `abandoned` is given). Default 70. */
  readonly maxAttempts?: number;
  /** The same after so long a time of failing in a row. Default: no limit. */
  readonly giveUpAfterMs?: number;
}

const DEFAULT = { firstDelayMs: 50, longestDelayMs: 10_000, maxAttempts: 70, giveUpAfterMs: Number.POSITIVE_INFINITY };

/** How long to wait after the `failures`th failure in a row: doubling, a quarter of it random. */
export function retryDelayMs(
  failures: number,
  { firstDelayMs = DEFAULT.firstDelayMs, longestDelayMs = DEFAULT.longestDelayMs }: RetryPolicy = {},
  random: () => number = Math.random,
): number {
  const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(failures - 1, 30));
  return delayMs * (0.75 + 0.25 * random());
}

/** Whether to leave it at that, after so many failures in a row over so long a time. */
export function givesUp(
  { failures, failingMs }: { readonly failures: number; readonly failingMs: number },
  { maxAttempts = DEFAULT.maxAttempts, giveUpAfterMs = DEFAULT.giveUpAfterMs }: RetryPolicy = {},
): boolean {
  return failures >= maxAttempts || failingMs >= giveUpAfterMs;
}
