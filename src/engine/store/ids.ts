import type pg from "pg";
import { crashPoint } from "../crash-points.ts";

const BLOCK = 1_000_000;
const LOW = BLOCK / 2;

/** The last id of the block that an id is of. */
export function lastIdOfBlock(id: number): number {
  return Math.ceil(id / BLOCK) * BLOCK;
}

/** Hands out consecutive ids for new invocations from blocks that belong to this process. */
export class IdBlocks {
  readonly #pool: pg.Pool;
  #next = 0;
  #end = 0;
  #spare: number | undefined;
  #fetching: Promise<void> | undefined;

  private constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  static async open(pool: pg.Pool): Promise<IdBlocks> {
    const blocks = new IdBlocks(pool);
    blocks.#next = await blocks.#fetch();
    blocks.#end = blocks.#next + BLOCK;
    return blocks;
  }

  /** Consecutive ids; at most half a million at once. Returns the first. */
  take(count: number): number {
    if (count > LOW) throw new RangeError(`${count} calls at once are too many: at most ${LOW}`);
    if (this.#end - this.#next < count) this.#useSpare();
    const first = this.#next;
    this.#next += count;
    if (this.#end - this.#next < LOW) this.#refill();
    return first;
  }

  #useSpare(): void {
    if (this.#spare === undefined)
      throw new RangeError("no ids left for new invocations: the database does not answer");
    this.#next = this.#spare;
    this.#end = this.#spare + BLOCK;
    this.#spare = undefined;
  }

  #refill(): void {
    if (this.#spare !== undefined || this.#fetching) return;
    this.#fetching = this.#fetch()
      .then(
        (first) => {
          this.#spare = first;
        },
        // The next call asks again.
        () => undefined,
      )
      .finally(() => {
        this.#fetching = undefined;
      });
  }

  async #fetch(): Promise<number> {
    crashPoint("ids:before");
    const { rows } = await this.#pool.query<{ first: string }>("select engine.take_ids($1::int8) as first", [BLOCK]);
    crashPoint("ids:taken");
    return Number(rows[0]?.first);
  }
}
