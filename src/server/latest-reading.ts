export interface LatestReadingOptions<T> {
  read(): Promise<T>;
  /** An answer serves everybody who asks within this time of its question. */
  freshMs: number;
  /** Longest wait for an answer; a later one is nobody's. */
  limitMs: number;
}

/** One reading of the database for all who ask, never older than agreed, and never waited for longer. */
export class LatestReading<T> {
  readonly #options: LatestReadingOptions<T>;
  #answer: Promise<T | undefined> | undefined;
  #askedAt = 0;
  #waiting = false;

  constructor(options: LatestReadingOptions<T>) {
    this.#options = options;
  }

  /** Undefined: it failed, or took too long. Any number may ask at once. */
  latest(): Promise<T | undefined> {
    const now = performance.now();
    if (!this.#answer || (!this.#waiting && now - this.#askedAt > this.#options.freshMs)) {
      this.#askedAt = now;
      this.#answer = this.#ask();
    }
    return this.#answer;
  }

  async #ask(): Promise<T | undefined> {
    const { read, limitMs } = this.#options;
    const limit = Promise.withResolvers<undefined>();
    const timer = setTimeout(limit.resolve, limitMs, undefined);
    this.#waiting = true;
    try {
      return await Promise.race([read().catch(() => undefined), limit.promise]);
    } finally {
      this.#waiting = false;
      clearTimeout(timer);
    }
  }
}
