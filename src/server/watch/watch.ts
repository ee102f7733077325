import type { MessageInitShape } from "@bufbuild/protobuf";
import type pg from "pg";
import {
  type RolloutEvent,
  SentinelRolloutState,
  type WatchRequest,
  type WatchResponseSchema,
} from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import { readEpoch, readEvents, readRolloutEnd } from "../../rollout/index.ts";
import type { EventPage } from "./event-ring.ts";
import type { EventTail } from "./event-tail.ts";
import { readForStream, throwIfEnded } from "./stream-end.ts";
import { type PlacedSnapshot, startOfWatch, takeSnapshot, type WatchStart } from "./watch-start.ts";

// One client's stream of events. Pulled by the client: nothing is read before
// the message ahead of it has been taken, so a slow reader holds one page.
//
//   W6. `cursor` is the position up to which the client has everything; it only
//       grows (but W11). What is sent next is the first event after it that concerns the
//       rollout watched: none is missing, none comes twice.
//   W7. Where events after the cursor are no longer kept, the client gets a
//       snapshot marked `reset` instead, and what follows that.
//   W8. A stream of one rollout ends at a position at which the rollout was
//       completed or cancelled with nothing in flight, after every event up to it.
//   W9. A heartbeat carries the cursor: all up to it has been sent.
//   W11. Cursor and epoch are a position that the client can be told, and is. Before
//       anything is sent after it, it is one of the history that this is of: else
//       the database was put back, and the client gets what W7 says.

const PAGE = 500;

type Message = MessageInitShape<typeof WatchResponseSchema>;

export interface WatchDeps {
  readonly pool: pg.Pool;
  readonly tail: EventTail;
  /** After this much silence a heartbeat is sent. */
  readonly heartbeatMs: number;
}

/** Streams what happens to rollouts; see the contract of `Watch` in sentinel_rollout.proto. */
export async function* watchRollouts(
  deps: WatchDeps,
  request: WatchRequest,
  signal: AbortSignal,
): AsyncGenerator<Message> {
  const ended = AbortSignal.any([signal, deps.tail.stopped]);
  const unwatch = deps.tail.watch();
  const { turns } = deps.tail;
  // A client that goes away between two messages need not pull again.
  ended.addEventListener("abort", unwatch, { once: true });
  try {
    const start = await readForStream(startOfWatch(deps.pool, request));
    if (start.snapshot) yield snapshotMessage({ snapshot: start.snapshot, epoch: start.epoch });
    yield* new Watcher(deps, { ...start, turns }, ended).messages();
  } finally {
    unwatch();
  }
}

class Watcher {
  readonly #deps: WatchDeps;
  readonly #rolloutId: string | undefined;
  readonly #ended: AbortSignal;
  #cursor: bigint;
  #epoch: string;
  /** The epoch that the client has been told. */
  #toldEpoch: string | undefined;
  /** The tail's, when cursor and epoch were found to be of the database's history. */
  #turns: number;
  /** There are events up to this one, whether the tail has come to them or not. */
  #known: bigint;
  #heartbeatAt = 0;
  /** Worth asking whether the rollout is over. */
  #mayBeOver = true;
  #overAt: bigint | undefined;

  constructor(deps: WatchDeps, start: WatchStart & { turns: number }, ended: AbortSignal) {
    this.#deps = deps;
    this.#rolloutId = start.rolloutId;
    this.#cursor = start.after;
    this.#epoch = start.epoch;
    this.#turns = start.turns;
    this.#known = start.latest;
    this.#ended = ended;
    // Without a snapshot, and with no event yet, a heartbeat tells the client that it is connected.
    if (start.snapshot) this.#noteSent();
  }

  async *messages(): AsyncGenerator<Message> {
    await this.#letTailCatchUp();
    for (;;) {
      throwIfEnded(this.#ended);
      const page = await this.#nextPage();
      if (page === "lost") yield await this.#restart();
      else yield* this.#eventMessages(page);
      if (page === "lost" || page.events.length === PAGE) continue;
      if (await this.#isOver()) return;
      if (this.#cursor < this.#known) continue;
      const idleMs = this.#heartbeatAt - performance.now();
      const told = { upTo: this.#cursor, turns: this.#turns };
      if (idleMs > 0) await this.#deps.tail.waitForEvents(told, idleMs, this.#ended);
      else yield this.#heartbeat();
    }
  }

  async *#eventMessages(page: EventPage): AsyncGenerator<Message> {
    for (const event of page.events) {
      throwIfEnded(this.#ended);
      if (this.#concerns(event)) {
        const isNews = this.#epoch !== this.#toldEpoch;
        this.#noteSent();
        yield { message: { case: "event", value: event }, ...(isNews && { epoch: this.#epoch }) };
      }
      this.#cursor = event.sequence;
    }
    this.#cursor = page.end;
  }

  #concerns(event: RolloutEvent): boolean {
    if (this.#rolloutId === undefined) return true;
    if (event.rolloutId !== this.#rolloutId) return false;
    const { state } = event;
    this.#mayBeOver ||= state === SentinelRolloutState.COMPLETED || state === SentinelRolloutState.CANCELLED;
    return true;
  }

  /** From memory, or from the table for a cursor that is behind it, or where the tail is behind what is known. */
  async #nextPage(): Promise<EventPage | "lost"> {
    const { pool, tail } = this.#deps;
    if (!this.#isBeside(tail) && !(await this.#isStillHistory())) return "lost";
    const recent = this.#isBeside(tail) ? tail.after(this.#cursor, PAGE) : undefined;
    if (recent && (recent.events.length > 0 || this.#cursor >= this.#known)) return recent;
    const page = { after: this.#cursor, limit: PAGE, rolloutId: this.#rolloutId };
    const { events, standing, deletedUpTo } = await readForStream(readEvents(pool, page));
    const { epoch, eventSequence: latest } = standing;
    if (epoch !== this.#epoch || latest < this.#known) {
      return (await this.#isStillHistory()) ? await this.#nextPage() : "lost";
    }
    if (deletedUpTo > this.#cursor) return "lost";
    return { events, end: events.length < PAGE ? latest : events.at(-1)!.sequence };
  }

  /** What the tail has is of the same history. */
  #isBeside(tail: EventTail): boolean {
    return this.#turns === tail.turns && this.#epoch === tail.epoch;
  }

  /** W11. Where it is, cursor and epoch are of the database as it is now. */
  async #isStillHistory(): Promise<boolean> {
    const { pool, tail } = this.#deps;
    const { turns } = tail;
    const { standing, end } = await readForStream(readEpoch(pool, this.#epoch));
    if (!end || this.#cursor > end.eventSequence) return false;
    this.#isAt(standing.epoch, turns, standing.eventSequence);
    return true;
  }

  async #restart(): Promise<Message> {
    const { pool, tail } = this.#deps;
    const { turns } = tail;
    const placed = await readForStream(takeSnapshot(pool, this.#rolloutId, true));
    this.#cursor = placed.snapshot.sequence;
    this.#isAt(placed.epoch, turns, this.#cursor);
    await this.#letTailCatchUp();
    this.#noteSent();
    return snapshotMessage(placed);
  }

  #isAt(epoch: string, turns: number, known: bigint): void {
    this.#epoch = epoch;
    this.#turns = turns;
    this.#known = known;
    this.#mayBeOver = true;
    this.#overAt = undefined;
  }

  /** What it has beyond all that is known may be of a history that it does not know yet to be no more. */
  async #letTailCatchUp(): Promise<void> {
    if (this.#deps.tail.end > this.#known) await readForStream(this.#deps.tail.lookAgain());
  }

  /** Asked only when all that is known has been sent, and only after an event that may have been the last. */
  async #isOver(): Promise<boolean> {
    if (this.#rolloutId === undefined) return false;
    if (this.#overAt === undefined && this.#mayBeOver) {
      this.#mayBeOver = false;
      const end = await readForStream(readRolloutEnd(this.#deps.pool, this.#rolloutId));
      if (end?.over ?? true) this.#overAt = this.#known = end?.sequence ?? this.#cursor;
    }
    return this.#overAt !== undefined && this.#cursor >= this.#overAt;
  }

  #heartbeat(): Message {
    this.#noteSent();
    this.#mayBeOver = true;
    return { message: { case: "heartbeat", value: { sequence: this.#cursor } }, epoch: this.#epoch };
  }

  #noteSent(): void {
    this.#toldEpoch = this.#epoch;
    this.#heartbeatAt = performance.now() + this.#deps.heartbeatMs;
  }
}

function snapshotMessage({ snapshot, epoch }: PlacedSnapshot): Message {
  return { message: { case: "snapshot", value: snapshot }, epoch };
}
