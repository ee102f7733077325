import { crashPoint } from "./crash-points.ts";
import type { EntryRecord } from "./journal.ts";
import type { Asked, Operation } from "./operations.ts";
import type { Released, Residents } from "./residents.ts";
import { startTimer } from "./timer.ts";

const CLAIMED_AT_ONCE = 1_000;
const RELEASED_AT_ONCE = 1_000;
/** Shorter waits are not worth a replay. */
const RELEASED_AFTER_MS = 1_000;
const ROOM_SOUGHT_EVERY_MS = 100;

export interface ClaimerOptions {
  readonly maxActive: number;
  readonly pollMs: number;
  readonly residents: Residents;
  /** How many more invocations this node may have in memory. */
  room(): number;
  /** Other nodes are up, which may have slots free. */
  hasPeers(): boolean;
  isClosing(): boolean;
  /** `done` is called after the commit, or after the write has failed. */
  write(operation: Operation, done?: () => void): void;
  loadCompletions(ids: readonly number[]): Promise<Map<number, EntryRecord[]>>;
  loadAsked(ids: readonly number[]): Promise<Map<number, Asked>>;
}

/** How many may wait for a slot where peers may have one free. */
export function aheadAmongPeers(maxActive: number): number {
  return Math.ceil(maxActive / 10);
}

/**
 * Takes over work that nobody owns, while there is room and a slot for it is
 * near. Where there is none, invocations that only wait are let go of (E6).
 */
export class Claimer {
  readonly #options: ClaimerOptions;
  #hinted = true;
  #claiming = false;
  #seekRoomAt = 0;

  constructor(options: ClaimerOptions) {
    this.#options = options;
  }

  /** There may be work that nobody owns. */
  hint(): void {
    this.#hinted = true;
    this.claimIfHinted();
  }

  /** Cheap; called whenever there may be room. */
  claimIfHinted(): void {
    if (!this.#hinted || this.#claiming || this.#options.isClosing()) return;
    const { room, write } = this.#options;
    if (room() === 0) this.#makeRoom();
    const limit = Math.min(room(), this.#wanted(), CLAIMED_AT_ONCE);
    if (limit <= 0) return;
    this.#claiming = true;
    this.#hinted = false;
    crashPoint("claim:asked");
    write({ kind: "claim", limit }, () => {
      crashPoint("claim:committed");
      this.#claiming = false;
    });
  }

  /** Alone: enough for the next turn of every slot. Among peers: what can begin now, and a few. */
  #wanted(): number {
    const { residents, maxActive, hasPeers } = this.#options;
    if (!hasPeers()) return maxActive - residents.queued;
    return residents.freeSlots + Math.max(0, aheadAmongPeers(maxActive) - residents.queued);
  }

  #makeRoom(): void {
    const now = performance.now();
    if (now < this.#seekRoomAt) return;
    this.#seekRoomAt = now + ROOM_SOUGHT_EVERY_MS;
    const { residents, write } = this.#options;
    const released = residents.release(RELEASED_AT_ONCE, RELEASED_AFTER_MS);
    let uncommitted = released.length;
    if (uncommitted > 0) crashPoint("suspension:asked");
    for (const { id, entries } of released) {
      write({ kind: "suspension", id, entries }, () => {
        crashPoint("suspension:committed");
        if (--uncommitted === 0) void this.#wakeReached(released);
      });
    }
  }

  /**
   * What came while they were being let go of reached nobody. It is looked for
   * twice: a peer's batch that was under way at the first time is in at the second.
   */
  async #wakeReached(released: readonly Released[]): Promise<void> {
    await this.#wakeThoseReached(released);
    startTimer(this.#options.pollMs, () => void this.#wakeThoseReached(released), { keepsAlive: false });
  }

  async #wakeThoseReached(released: readonly Released[]): Promise<void> {
    const { loadCompletions, loadAsked, isClosing, write } = this.#options;
    if (isClosing()) return;
    try {
      const ids = released.map(({ id }) => id);
      const completed = await loadCompletions(ids);
      const requests = await loadAsked(ids);
      for (const { id, entries, asked } of released) {
        const came = completed.get(id)?.some(({ entry, completion }) => completion && entries.includes(entry));
        if ((came || requests.get(id) !== asked) && !isClosing()) write({ kind: "wake", id });
      }
    } catch {
      // They are looked at again after a while, hint or no hint (E5).
    }
  }
}
