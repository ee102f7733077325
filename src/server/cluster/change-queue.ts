import type { DesiredChange, ToldUpTo } from "../../rollout/index.ts";
import { WakeList } from "../watch/index.ts";

const MOST_WAITING = 2_000;

/** What waits in a queue. */
export interface ChangesWaiting {
  readonly changes: readonly DesiredChange[];
  /** Every change of the region up to this version has now been taken. */
  readonly cursor: bigint;
  /** There are more. */
  readonly more: boolean;
  /** What was read of them may be as new as this version. */
  readonly seen: bigint;
}

/** A position of a stream that has caught up. */
export interface CaughtUp extends ToldUpTo {
  /** The stream knows every change of its region up to this version. */
  readonly cursor: bigint;
  /** The tail's `turns`, before that was read. */
  readonly turns: number;
}

/** What a reading has found for a region. */
export interface ChangesFound extends Omit<CaughtUp, "epoch"> {
  readonly changes: readonly DesiredChange[];
}

/** Changes of one region that a stream has not taken yet. */
export class ChangeQueue {
  readonly regionId: string;
  /** Of all that comes here. */
  readonly epoch: string;
  readonly #onClose: () => void;
  readonly #news = new WakeList();
  #changes: DesiredChange[] = [];
  #end: bigint;
  #seen: bigint;
  #turns: number;
  #isClosed = false;

  constructor(regionId: string, { cursor, epoch, seen, turns }: CaughtUp, onClose: () => void) {
    this.regionId = regionId;
    this.epoch = epoch;
    this.#end = cursor;
    this.#seen = seen;
    this.#turns = turns;
    this.#onClose = onClose;
  }

  /** Every change of the region up to this version has come here. */
  get end(): bigint {
    return this.#end;
  }

  /** What has come here may be as new as this version. */
  get seen(): bigint {
    return this.#seen;
  }

  /** The tail's, before the latest reading. */
  get turns(): number {
    return this.#turns;
  }

  /** Every change of the region up to this version has been taken; undefined: some wait. */
  get takenUpTo(): bigint | undefined {
    return this.#isClosed || this.#changes.length > 0 ? undefined : this.#end;
  }

  /** Puts in what was found; what it has had before is left out. Closes itself where too many changes wait. */
  add({ changes, cursor, seen, turns }: ChangesFound): void {
    if (this.#isClosed) return;
    const fresh = changes.filter(({ version }) => version > this.#end);
    if (cursor > this.#end) this.#end = cursor;
    this.#seen = seen;
    this.#turns = turns;
    if (fresh.length === 0) return;
    this.#changes.push(...fresh);
    if (this.#changes.length > MOST_WAITING) this.close();
    else this.#news.wakeAll();
  }

  /** Takes what waits, `limit` changes at most. Undefined: it is closed, and whatever waited is lost. */
  take(limit: number): ChangesWaiting | undefined {
    if (this.#isClosed) return undefined;
    const changes = this.#changes.splice(0, limit);
    const more = this.#changes.length > 0;
    return { changes, cursor: (more && changes.at(-1)?.version) || this.#end, more, seen: this.#seen };
  }

  /** Resolves when changes wait, when it is closed, when the time is up or when the signal is aborted. */
  async wait(timeoutMs: number, signal: AbortSignal): Promise<void> {
    await this.#news.waitUntil(() => this.#isClosed || this.#changes.length > 0, timeoutMs, signal);
  }

  /** Safe to call twice. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#changes = [];
    this.#onClose();
    this.#news.wakeAll();
  }
}
