import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type pg from "pg";
import type { EngineLog } from "../../engine/index.ts";
import type {
  DesiredSentinel,
  WatchDesiredStateRequest,
  WatchDesiredStateResponseSchema,
} from "../../gen/hydra/v1/cluster_pb.ts";
import {
  type DesiredChange,
  type LogStanding,
  newestSentinels,
  readDesired,
  readDesiredChanges,
} from "../../rollout/index.ts";
import { type EventTail, readForStream, throwIfEnded } from "../watch/index.ts";
import type { AgentConnections } from "./agent-connections.ts";
import { type AgentIdentity, identityFrom } from "./agent-identity.ts";
import type { ChangeFeed } from "./change-feed.ts";
import type { ChangeQueue } from "./change-queue.ts";
import { epochFrom, epochText } from "./epoch-text.ts";
import type { Regions } from "./regions.ts";

// One agent's stream of desired state. Pulled by the agent, so a slow one holds
// one page.
//
//   C1. The cursor sent with a message is a version up to which the agent then
//       knows every change of its region. It only grows, but for C5.
//   C2. A full sync carries the version of before its first page: what changes
//       while it runs is told again after it.
//   C3. A cursor that cannot be trusted (older than what is kept, or from
//       another database) leads to a full sync, never to a hole.
//   C4. No stream polls, and none that has caught up reads: the server's one feed
//       of changes brings what concerns its region.
//   C5. Where the database was put back (R12), so that something an agent has been
//       told may not be so any more, it gets a full sync, in a stream that is open, too.

const PAGE = 500;

type Message = MessageInitShape<typeof WatchDesiredStateResponseSchema>;

export interface DesiredStreamDeps {
  readonly pool: pg.Pool;
  readonly tail: EventTail;
  readonly feed: ChangeFeed;
  readonly connections: AgentConnections;
  readonly regions: Regions;
  readonly log: EngineLog;
  /** After this much silence a heartbeat is sent. */
  readonly heartbeatMs: number;
}

/** Streams the desired state of an agent's region; see the contract of `WatchDesiredState` in cluster.proto. */
export async function* watchDesiredState(
  deps: DesiredStreamDeps,
  request: WatchDesiredStateRequest,
  signal: AbortSignal,
): AsyncGenerator<Message> {
  const agent = identityFrom(request.agent);
  if (request.cursor < 0n) {
    throw new ConnectError(`cursor ${request.cursor} is negative: 0 asks for a full sync`, Code.InvalidArgument);
  }
  const ended = AbortSignal.any([signal, deps.tail.stopped]);
  const stream = new DesiredStream(deps, agent, ended);
  const leave = await deps.connections.open(agent, stream);
  const close = () => {
    leave();
    stream.close();
  };
  deps.log.info({ ...agent, cursor: Number(request.cursor) }, "agent connected");
  // An agent that goes away between two messages need not pull again.
  ended.addEventListener("abort", close, { once: true });
  try {
    yield* stream.messages(request.cursor, request.epoch);
  } finally {
    close();
  }
}

class DesiredStream {
  readonly #deps: DesiredStreamDeps;
  readonly #agent: AgentIdentity;
  readonly #ended: AbortSignal;
  #cursor = 0n;
  /** Of the cursor; undefined: the agent has not said. */
  #epoch: string | undefined;
  /** What the agent has been told may be as new as this version. */
  #seen = 0n;
  #queue: ChangeQueue | undefined;
  /** The agent may be lacking anything: its cursor has not been looked at yet, or it is being told everything. */
  #syncing = true;

  constructor(deps: DesiredStreamDeps, agent: AgentIdentity, ended: AbortSignal) {
    this.#deps = deps;
    this.#agent = agent;
    this.#ended = ended;
  }

  get toldUpTo(): bigint | undefined {
    return this.#syncing ? undefined : (this.#queue?.takenUpTo ?? this.#cursor);
  }

  /** Nothing more is asked of it. Safe to call twice. */
  close(): void {
    this.#queue?.close();
  }

  async *messages(cursor: bigint, epoch: string | undefined): AsyncGenerator<Message> {
    const { heartbeatMs, regions } = this.#deps;
    this.#cursor = cursor;
    ({ epoch: this.#epoch, seen: this.#seen } = epochFrom(epoch, cursor));
    if (cursor === 0n) yield* this.#fullSync();
    for (let heartbeatAt = 0; ;) {
      throwIfEnded(this.#ended);
      const { changes, more, stale } = await this.#nextChanges();
      if (stale) yield* this.#fullSync();
      const sentinels = newestSentinels(changes);
      if (sentinels.length > 0) {
        yield { sentinels, ...this.#position() };
        heartbeatAt = performance.now() + heartbeatMs;
      }
      if (more || stale) continue;
      const idleMs = heartbeatAt - performance.now();
      if (idleMs > 0) {
        await this.#queue?.wait(idleMs, this.#ended);
        continue;
      }
      await regions.admit(this.#agent);
      yield this.#position();
      heartbeatAt = performance.now() + heartbeatMs;
    }
  }

  /** From the feed; from the table until all that is there has been told. */
  async #nextChanges(): Promise<{ changes: readonly DesiredChange[]; more: boolean; stale: boolean }> {
    const { pool, feed, tail } = this.#deps;
    const { regionId } = this.#agent;
    const { turns } = tail;
    const waiting = this.#queue?.take(PAGE);
    if (waiting) {
      this.#follows(waiting.cursor, this.#queue?.epoch, waiting.seen);
      return { ...waiting, stale: false };
    }
    const told = this.#epoch === undefined ? undefined : { epoch: this.#epoch, seen: this.#seen };
    const page = { regionIds: [regionId], after: this.#cursor, limit: PAGE, told };
    const read = await readForStream(readDesiredChanges(pool, page));
    const { cursor, standing } = read;
    const { epoch, changeVersion: seen } = standing;
    if (read.stale) return read;
    this.#follows(cursor, epoch, seen);
    if (!read.more && !this.#ended.aborted) this.#queue = feed.follow(regionId, { cursor, epoch, seen, turns });
    return read;
  }

  async *#fullSync(): AsyncGenerator<Message> {
    const { pool } = this.#deps;
    const { regionId } = this.#agent;
    this.#syncing = true;
    let first: LogStanding | undefined;
    let seen = 0n;
    let after: DesiredSentinel | undefined;
    for (let end = false; !end;) {
      throwIfEnded(this.#ended);
      const { sentinels, standing } = await readForStream(readDesired(pool, { regionId, after, limit: PAGE }));
      first ??= standing;
      if (standing.epoch !== first.epoch || standing.changeVersion < seen) throw putBackMeanwhile();
      seen = standing.changeVersion;
      after = sentinels.at(-1);
      end = sentinels.length < PAGE;
      if (end) this.#follows(first.changeVersion, first.epoch, seen);
      yield { sentinels: [...sentinels], fullSync: true, fullSyncEnd: end, ...(end && this.#position()) };
    }
  }

  #position(): { cursor: bigint; epoch: string } {
    return { cursor: this.#cursor, epoch: epochText(this.#epoch, this.#seen, this.#cursor) };
  }

  #follows(cursor: bigint, epoch: string | undefined, seen: bigint): void {
    this.#cursor = cursor;
    this.#epoch = epoch;
    this.#seen = seen;
    this.#syncing = false;
  }
}

/** A full sync is of one history: the agent begins it anew. */
function putBackMeanwhile(): ConnectError {
  return new ConnectError("the database was restarted or put back during a full sync: connect again", Code.Unavailable);
}
