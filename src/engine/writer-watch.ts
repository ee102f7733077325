import type pg from "pg";
import type { InFlight } from "./flight.ts";
import { isWriterAtWork } from "./store/nodes.ts";

/** While a batch is on its way the server waits for us, too: a link that is as slow as 32 kB a second is no silence. */
const SLOWEST_BYTES_PER_MS = 32;

export interface WriterWatchOptions {
  readonly pool: pg.Pool;
  /** Of the connection that writes batches. */
  readonly backendPid: number;
  /** A batch that has no answer for so long is looked into. */
  readonly patienceMs: number;
  /** The batch that waits for its answer. */
  inFlight(): InFlight | undefined;
  /** The batch, or its answer, was lost on the way. */
  onSilent(): void;
}

/**
 * Notices that the writer's connection has died without a word while others
 * live: a firewall forgot it, a proxy hangs. A batch may wait for a lock as long
 * as it must, but then the server is at work on it; where the server itself
 * waits for us, twice in a row with the same batch, and nothing of an answer has
 * come in between, nothing will ever come.
 */
export class WriterWatch {
  readonly #options: WriterWatchOptions;
  #suspect: InFlight | undefined;

  constructor(options: WriterWatchOptions) {
    this.#options = options;
  }

  async look(): Promise<void> {
    const { pool, backendPid, patienceMs, inFlight, onSilent } = this.#options;
    const before = inFlight();
    const isLate =
      before !== undefined && performance.now() - before.sentAt > patienceMs + before.bytes / SLOWEST_BYTES_PER_MS;
    if (!isLate || (await isWriterAtWork(pool, backendPid))) this.#suspect = undefined;
    else if (!isSame(inFlight(), before)) this.#suspect = undefined;
    else if (isSame(this.#suspect, before)) onSilent();
    else this.#suspect = before;
  }
}

function isSame(one: InFlight | undefined, other: InFlight): boolean {
  return one?.number === other.number && one.received === other.received;
}
