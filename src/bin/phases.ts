/** What took how long while starting, for whoever has to make it faster. */
export class Phases {
  readonly #startedAt = performance.now();
  readonly #durationsMs: Record<string, number> = {};

  /** Runs one phase and keeps its duration. */
  async measure<T>(name: string, phase: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      return await phase();
    } finally {
      this.#durationsMs[name] = Math.round(performance.now() - startedAt);
    }
  }

  /** Milliseconds by phase; `total` from the first to now, `sinceProcessStart` with the loading of the code. */
  report(): Record<string, number> {
    return {
      ...this.#durationsMs,
      total: Math.round(performance.now() - this.#startedAt),
      sinceProcessStart: Math.round(performance.now()),
    };
  }
}
