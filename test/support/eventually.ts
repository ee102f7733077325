import { setTimeout as delay } from "node:timers/promises";

export interface EventuallyOptions {
  /** How long to try; default ten seconds. */
  timeoutMs?: number;
}

const POLL_MS = 10;

/**
 * Waits until `check` holds, and returns what it returned. A check fails by
 * throwing (an `expect` does) or by returning false, and is then tried again.
 *
 * @throws the last failure, once the time is up.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { timeoutMs = 10_000 }: EventuallyOptions = {},
): Promise<Exclude<T, false>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      const result = await check();
      if (result !== false) return result as Exclude<T, false>;
      throw new Error(`Still false after ${timeoutMs} ms: ${check.toString()}`);
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await delay(POLL_MS);
  }
}
