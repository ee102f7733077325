/** Node fires at once for longer delays. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** Calls back after a delay of any length, by the monotonic clock. Returns a function that stops it. */
export function startTimer(delayMs: number, callback: () => void, { keepsAlive = true } = {}): () => void {
  const dueAt = performance.now() + delayMs;
  let timer: NodeJS.Timeout;
  const arm = () => {
    const restMs = Math.max(0, dueAt - performance.now());
    timer = setTimeout(() => (performance.now() + 1 < dueAt ? arm() : callback()), Math.min(restMs, LONGEST_DELAY_MS));
    if (!keepsAlive) timer.unref();
  };
  arm();
  return () => clearTimeout(timer);
}
