import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { readDesiredChanges } from "../../rollout/index.ts";
import type { EventTail } from "../watch/index.ts";
import { type CaughtUp, ChangeQueue } from "./change-queue.ts";

// The one reader of changes of desired state in this server. Every agent's
// stream that has caught up is fed from it, and woken by changes of its own
// region only: the number of readings does not grow with that of agents.
//
//   D1. The table is the truth, the tail says when to look at it: by a hint, or
//       within its poll.
//   D2. What a queue gets was read after all that its stream has told before: a
//       sentinel never goes back to what it was.
//   D3. The memory is bounded: a stream that takes its changes too slowly loses its
//       queue and reads the table by itself, as it does after a reading that has
//       failed or asked for what is no longer kept.
//   D4. While no stream has caught up nothing is read.
//   D5. A change after a quiet moment is told at once. Of those that come in a row
//       each agent would be told by a message of its own, and report by a call of
//       its own: the more there are, the longer changes gather, for some
//       milliseconds at most.
//   D6. What was read of another epoch, or of a log that has gone back, comes into
//       no queue: the streams lose theirs, and each judges by itself how far what
//       it has told is still so (R12).

const PAGE = 500;
/** It is woken by the tail, or by those who come and go. */
const LONGEST_WAIT_MS = 60_000;
const FRUITLESS_WAIT_MS = 1_000;
/** For each stream but the first. */
const GATHER_MS = 1;
const LONGEST_GATHER_MS = 10;

export interface ChangeFeedDeps {
  readonly pool: pg.Pool;
  readonly tail: EventTail;
}

export class ChangeFeed {
  readonly #deps: ChangeFeedDeps;
  readonly #queues = new Set<ChangeQueue>();
  #isRunning = false;
  #newcomers = new AbortController();

  constructor(deps: ChangeFeedDeps) {
    this.#deps = deps;
  }

  /** Feeds a stream that has caught up, until the queue is closed. */
  follow(regionId: string, position: CaughtUp): ChangeQueue {
    const queue = new ChangeQueue(regionId, position, () => {
      this.#queues.delete(queue);
      this.#newcomers.abort();
    });
    this.#queues.add(queue);
    this.#newcomers.abort();
    if (!this.#isRunning) void this.#run();
    return queue;
  }

  /** As long as somebody follows. Never rejects. */
  async #run(): Promise<void> {
    const { tail } = this.#deps;
    this.#isRunning = true;
    while (this.#queues.size > 0 && !tail.stopped.aborted) {
      this.#newcomers = new AbortController();
      const queues = [...this.#queues];
      const after = leastOf(queues);
      const { turns } = tail;
      const hasNews = tail.changeVersion > after || queues.some((queue) => queue.turns !== turns);
      if (hasNews && (await this.#read(queues, after))) {
        await this.#gather(queues.length);
        continue;
      }
      const woken = AbortSignal.any([tail.stopped, this.#newcomers.signal]);
      // A tail that knows more than the table, as after a restore of the database, is not asked again at once.
      if (hasNews) await tail.waitForChanges({ upTo: tail.changeVersion, turns }, FRUITLESS_WAIT_MS, woken);
      else await tail.waitForChanges({ upTo: after, turns }, LONGEST_WAIT_MS, woken);
    }
    this.#isRunning = false;
  }

  /** D5. */
  async #gather(streams: number): Promise<void> {
    const gatherMs = Math.min(LONGEST_GATHER_MS, (streams - 1) * GATHER_MS);
    if (gatherMs > 0) await delay(gatherMs, undefined, { signal: this.#deps.tail.stopped }).catch(() => {});
  }

  /** Whether there was anything new. Those who come while it reads are not among the queues (D2). */
  async #read(queues: readonly ChangeQueue[], after: bigint): Promise<boolean> {
    const regionIds = [...new Set(queues.map(({ regionId }) => regionId))];
    const { turns } = this.#deps.tail;
    try {
      const read = await readDesiredChanges(this.#deps.pool, { regionIds, after, limit: PAGE });
      const { changes, cursor, stale, standing } = read;
      const { epoch, changeVersion: seen } = standing;
      const ofRegion = Map.groupBy(changes, ({ regionId }) => regionId);
      for (const queue of queues) {
        if (stale || epoch !== queue.epoch || seen < queue.seen) queue.close();
        else queue.add({ changes: ofRegion.get(queue.regionId) ?? [], cursor, seen, turns });
      }
      return cursor > after;
    } catch {
      // Each of the streams will find out by itself, and tell its agent.
      for (const queue of queues) queue.close();
      return true;
    }
  }
}

function leastOf(queues: readonly ChangeQueue[]): bigint {
  return queues.reduce((least, { end }) => (end < least ? end : least), queues[0]?.end ?? 0n);
}
