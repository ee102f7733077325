import { until } from "../until.ts";

/** How far one has heard, for those who wait until it is far enough. */
export class Progress {
  readonly #waiting = new Set<{ readonly version: bigint; readonly resolve: () => void }>();
  #version = 0n;
  #atMs: number | undefined;

  /** When something was heard last, in ms since 1970. */
  get atMs(): number | undefined {
    return this.#atMs;
  }

  heard(version: bigint): void {
    // A cluster that was restored from a backup may never get where those who wait want it: nothing is to come for them.
    const hasGoneBack = version < this.#version;
    this.#version = version;
    this.#atMs = Date.now();
    for (const waiter of this.#waiting) if (hasGoneBack || waiter.version <= version) waiter.resolve();
  }

  /** Resolves once `version` has been heard; rejects when the signal is aborted. */
  async upTo(version: bigint, signal: AbortSignal): Promise<void> {
    if (this.#version >= version) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { version, resolve };
    this.#waiting.add(waiter);
    try {
      await until(promise, signal);
    } finally {
      this.#waiting.delete(waiter);
    }
  }
}
