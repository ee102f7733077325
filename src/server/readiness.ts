import type { Pool } from "pg";

const TIMEOUT_MS = 2_000;
/** One answer of the database serves everybody who asks within this time. */
const FRESH_MS = 500;

/** Tells whether the database answers. Any number may ask at once: there is one query in flight at most. */
export class Readiness {
  readonly #pool: Pool;
  #answer: Promise<boolean> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  ready(): Promise<boolean> {
    const now = performance.now();
    if (!this.#answer || now - this.#askedAt > FRESH_MS) {
      this.#askedAt = now;
      this.#answer = this.#ask();
    }
    return this.#answer;
  }

  async #ask(): Promise<boolean> {
    const timeout = Promise.withResolvers<boolean>();
    const timer = setTimeout(timeout.resolve, TIMEOUT_MS, false);
    const query = this.#pool.query("select 1").then(
      () => true,
      () => false,
    );
    try {
      return await Promise.race([query, timeout.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}
