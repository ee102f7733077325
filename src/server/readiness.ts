import type { Pool } from "pg";
import { LatestReading } from "./latest-reading.ts";

const TIMEOUT_MS = 2_000;
const FRESH_MS = 500;

/** Tells whether the database answers. Any number may ask at once. */
export class Readiness {
  readonly #reading: LatestReading<unknown>;

  constructor(pool: Pool) {
    this.#reading = new LatestReading({ read: () => pool.query("select 1"), freshMs: FRESH_MS, limitMs: TIMEOUT_MS });
  }

  async ready(): Promise<boolean> {
    return (await this.#reading.latest()) !== undefined;
  }
}
