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
  newestSentinels,
  readDesired,
  readDesiredChanges,
  readLogPositions,
} from "../../rollout/index.ts";
import { type EventTail, readForStream, throwIfEnded } from "../watch/index.ts";
import type { AgentConnections } from "./agent-connections.ts";
import { type AgentIdentity, identityFrom } from "./agent-identity.ts";
import type { ChangeFeed } from "./change-feed.ts";
import type { ChangeQueue } from "./change-queue.ts";
import type { Regions } from "./regions.ts";

// One agent's stream of desired state. Pulled by the agent, so a slow one holds
// one page.
//
//   C1. The cursor sent with a message is a version up to which the agent then
//       knows every change of its region. It only grows.
//   C2. A full sync carries the version of before its first page: what changes
//       while it runs is told again after it.
//   C3. A cursor that cannot be trusted (older than what is kept, or from
//       another database) leads to a full sync, never to a hole.
//   C4. No stream polls, and none that has caught up reads: the server's one feed
//       of changes brings what concerns its region.

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
    yield* stream.messages(request.cursor);
  } finally {
    close();
  }
}

class DesiredStream {
  readonly #deps: DesiredStreamDeps;
  readonly #agent: AgentIdentity;
  readonly #ended: AbortSignal;
  #cursor = 0n;
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

  async *messages(cursor: bigint): AsyncGenerator<Message> {
    const { heartbeatMs, regions } = this.#deps;
    this.#cursor = cursor;
    if (cursor === 0n) yield* this.#fullSync();
    for (let heartbeatAt = 0; ;) {
      throwIfEnded(this.#ended);
      const { changes, more, stale } = await this.#nextChanges();
      if (stale) yield* this.#fullSync();
      const sentinels = newestSentinels(changes);
      if (sentinels.length > 0) {
        yield { sentinels, cursor: this.#cursor };
        heartbeatAt = performance.now() + heartbeatMs;
      }
      if (more || stale) continue;
      const idleMs = heartbeatAt - performance.now();
      if (idleMs > 0) {
        await this.#queue?.wait(idleMs, this.#ended);
        continue;
      }
      await regions.admit(this.#agent);
      yield { cursor: this.#cursor };
      heartbeatAt = performance.now() + heartbeatMs;
    }
  }

  /** From the feed; from the table until all that is there has been told. */
  async #nextChanges(): Promise<{ changes: readonly DesiredChange[]; more: boolean; stale: boolean }> {
    const { pool, feed } = this.#deps;
    const { regionId } = this.#agent;
    const waiting = this.#queue?.take(PAGE);
    if (waiting) {
      this.#follows(waiting.cursor);
      return { ...waiting, stale: false };
    }
    const page = { regionIds: [regionId], after: this.#cursor, limit: PAGE };
    const read = await readForStream(readDesiredChanges(pool, page));
    if (!read.stale) this.#follows(read.cursor);
    if (!read.stale && !read.more && !this.#ended.aborted) this.#queue = feed.follow(regionId, read.cursor);
    return read;
  }

  async *#fullSync(): AsyncGenerator<Message> {
    const { pool } = this.#deps;
    const { regionId } = this.#agent;
    this.#syncing = true;
    const { changeVersion } = await readForStream(readLogPositions(pool));
    let after: DesiredSentinel | undefined;
    for (let end = false; !end;) {
      throwIfEnded(this.#ended);
      const sentinels = await readForStream(readDesired(pool, { regionId, after, limit: PAGE }));
      after = sentinels.at(-1);
      end = sentinels.length < PAGE;
      yield { sentinels, fullSync: true, fullSyncEnd: end, cursor: end ? changeVersion : 0n };
    }
    this.#follows(changeVersion);
  }

  #follows(cursor: bigint): void {
    this.#cursor = cursor;
    this.#syncing = false;
  }
}
