const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 10_000;

/** How long to wait after the `failures`th failure in a row: doubling, at most 10 s, a quarter of it random. */
export function retryDelayMs(failures: number, random: () => number = Math.random): number {
  const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures - 1, 20));
  return delayMs * (0.75 + 0.25 * random());
}
