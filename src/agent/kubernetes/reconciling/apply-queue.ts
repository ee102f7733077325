import PQueue from "p-queue";

export interface ApplyLimits {
  /** Most that are under way at the same time. */
  readonly inFlight: number;
  /** Most that are begun within a second. */
  readonly perSecond: number;
}

/** In which writes wait for their turn, so that a rollout does not overrun a small API server. First come, first served. */
export class ApplyQueue {
  readonly #queue: PQueue;
  readonly #signal: AbortSignal;

  constructor({ inFlight, perSecond }: ApplyLimits, signal: AbortSignal) {
    this.#queue = new PQueue({ concurrency: inFlight, intervalCap: perSecond, interval: 1_000, strict: true });
    this.#signal = signal;
  }

  get inFlight(): number {
    return this.#queue.pending;
  }

  get queued(): number {
    return this.#queue.size;
  }

  /** Runs `write` when it is its turn. Rejects as `write` does, or when the signal is aborted before. */
  add<T>(write: () => Promise<T>): Promise<T> {
    return this.#queue.add(write, { signal: this.#signal });
  }
}
