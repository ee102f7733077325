import type { MessageInitShape } from "@bufbuild/protobuf";
import type pg from "pg";
import {
  type RolloutEvent,
  SentinelRolloutState,
  type WatchRequest,
  type WatchResponse_Snapshot,
  type WatchResponseSchema,
} from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import { readEvents, readRolloutEnd } from "../../rollout/index.ts";
import type { EventPage } from "./event-ring.ts";
import type { EventTail } from "./event-tail.ts";
import { readForStream, throwIfEnded } from "./stream-end.ts";
import { startOfWatch, takeSnapshot, type WatchStart } from "./watch-start.ts";

// One client's stream of events. Pulled by the client: nothing is read before
// the message ahead of it has been taken, so a slow reader holds one page.
//
//   W6. `cursor` is the position up to which the client has everything; it only
//       grows. What is sent next is the first event after it that concerns the
//       rollout watched: none is missing, none comes twice.
//   W7. Where events after the cursor are no longer kept, the client gets a
//       snapshot marked `reset` instead, and what follows that.
//   W8. A stream of one rollout ends at a position at which the rollout was
//       completed or cancelled with nothing in flight, after every event up to it.
//   W9. A heartbeat carries the cursor: all up to it has been sent.

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
  // A client that goes away between two messages need not pull again.
  ended.addEventListener("abort", unwatch, { once: true });
  try {
    const start = await readForStream(startOfWatch(deps.pool, request));
    if (start.snapshot) yield snapshotMessage(start.snapshot);
    yield* new Watcher(deps, start, ended).messages();
  } finally {
    unwatch();
  }
}

class Watcher {
  readonly #deps: WatchDeps;
  readonly #rolloutId: string | undefined;
  readonly #ended: AbortSignal;
  #cursor: bigint;
  /** There are events up to this one, whether the tail has come to them or not. */
  #known: bigint;
  #heartbeatAt = 0;
  /** Worth asking whether the rollout is over. */
  #mayBeOver = true;
  #overAt: bigint | undefined;

  constructor(deps: WatchDeps, start: WatchStart, ended: AbortSignal) {
    this.#deps = deps;
    this.#rolloutId = start.rolloutId;
    this.#cursor = start.after;
    this.#known = start.latest;
    this.#ended = ended;
    // Without a snapshot, and with no event yet, a heartbeat tells the client that it is connected.
    if (start.snapshot) this.#noteSent();
  }

  async *messages(): AsyncGenerator<Message> {
    for (;;) {
      throwIfEnded(this.#ended);
      const page = await this.#nextPage();
      if (page === "deleted") yield await this.#restart();
      else yield* this.#eventMessages(page);
      if (page === "deleted" || page.events.length === PAGE) continue;
      if (await this.#isOver()) return;
      if (this.#cursor < this.#known) continue;
      const idleMs = this.#heartbeatAt - performance.now();
      if (idleMs > 0) await this.#deps.tail.waitForEvents(this.#cursor, idleMs, this.#ended);
      else yield this.#heartbeat();
    }
  }

  async *#eventMessages(page: EventPage): AsyncGenerator<Message> {
    for (const event of page.events) {
      throwIfEnded(this.#ended);
      if (this.#concerns(event)) {
        yield { message: { case: "event", value: event } };
        this.#noteSent();
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
  async #nextPage(): Promise<EventPage | "deleted"> {
    const { pool, tail } = this.#deps;
    const recent = tail.after(this.#cursor, PAGE);
    if (recent && (recent.events.length > 0 || this.#cursor >= this.#known)) return recent;
    const page = { after: this.#cursor, limit: PAGE, rolloutId: this.#rolloutId };
    const { events, positions, deletedUpTo } = await readForStream(readEvents(pool, page));
    if (deletedUpTo > this.#cursor) return "deleted";
    const end = events.length < PAGE ? positions.eventSequence : events.at(-1)!.sequence;
    return { events, end };
  }

  async #restart(): Promise<Message> {
    const snapshot = await readForStream(takeSnapshot(this.#deps.pool, this.#rolloutId, true));
    this.#cursor = snapshot.sequence;
    this.#mayBeOver = true;
    this.#noteSent();
    return snapshotMessage(snapshot);
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
    return { message: { case: "heartbeat", value: { sequence: this.#cursor } } };
  }

  #noteSent(): void {
    this.#heartbeatAt = performance.now() + this.#deps.heartbeatMs;
  }
}

function snapshotMessage(snapshot: WatchResponse_Snapshot): Message {
  return { message: { case: "snapshot", value: snapshot } };
}
