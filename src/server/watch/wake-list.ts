/** Those who wait for a condition to hold. Whoever may have made one true wakes them all. */
export class WakeList {
  readonly #waiting = new Set<() => void>();

  wakeAll(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Resolves when the condition holds, when the time is up or when the signal is aborted, whichever is first. */
  async waitUntil(holds: () => boolean, timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || holds()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = () => resolve();
    const wake = () => {
      if (holds()) resolve();
    };
    const timer = setTimeout(end, timeoutMs);
    signal.addEventListener("abort", end);
    this.#waiting.add(wake);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      this.#waiting.delete(wake);
    }
  }
}
