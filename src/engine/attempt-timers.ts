import { startTimer } from "./timer.ts";

/** Timers of one attempt, which end with it: those of its sleeps, and the pauses between tries of its steps. */
export class AttemptTimers {
  readonly #stops = new Set<() => void>();
  /** Each ends a pause before its time. */
  readonly #pauses = new Set<() => void>();
  #stopped = false;

  start(delayMs: number, callback: () => void): () => void {
    if (this.#stopped) return () => {};
    const cancel = startTimer(delayMs, () => {
      this.#stops.delete(stop);
      callback();
    });
    const stop = () => {
      cancel();
      this.#stops.delete(stop);
    };
    this.#stops.add(stop);
    return stop;
  }

  /** Never resolves once the attempt is over. */
  async pause(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = this.start(delayMs, resolve);
    this.#pauses.add(resolve);
    await promise;
    stop();
    this.#pauses.delete(resolve);
  }

  /** Ends the pauses. */
  hurry(): void {
    for (const end of this.#pauses) end();
  }

  stop(): void {
    this.#stopped = true;
    for (const stop of this.#stops) stop();
    this.#pauses.clear();
  }
}
