import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type pg from "pg";
import {
  RolloutSchema,
  SentinelRolloutState,
  type WatchRequest,
  type WatchResponse_Snapshot,
  WatchResponse_SnapshotSchema,
} from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import { readLogPositions, readRolloutEnd, readSnapshot } from "../../rollout/index.ts";

/** Where a stream begins. */
export interface WatchStart {
  /** Only this rollout; undefined: all. */
  readonly rolloutId: string | undefined;
  /** Sent first. */
  readonly snapshot: WatchResponse_Snapshot | undefined;
  /** Events after this one follow. */
  readonly after: bigint;
  /** The latest event that there is. */
  readonly latest: bigint;
}

/** Judges a request and finds where its stream begins. Throws the refusal. */
export async function startOfWatch(pool: pg.Pool, request: WatchRequest): Promise<WatchStart> {
  // An empty id is the latest, as in GetRollout.
  const rolloutId = request.rolloutId || undefined;
  const after = request.afterSequence;
  if (after === undefined) {
    const snapshot = await takeSnapshot(pool, rolloutId, false);
    return { rolloutId, snapshot, after: snapshot.sequence, latest: snapshot.sequence };
  }
  if (after < 0n) {
    throw new ConnectError(`after_sequence ${after} is negative: 0 is the beginning`, Code.InvalidArgument);
  }
  const latest = rolloutId === undefined ? await latestOfAll(pool) : await latestOf(pool, rolloutId);
  if (after > latest) {
    throw new ConnectError(`after_sequence ${after} is beyond the latest event, ${latest}`, Code.OutOfRange);
  }
  return { rolloutId, snapshot: undefined, after, latest };
}

/** A rollout, or the latest, with the position up to which it holds. */
export async function takeSnapshot(
  pool: pg.Pool,
  rolloutId: string | undefined,
  reset: boolean,
): Promise<WatchResponse_Snapshot> {
  const { rollout, sequence } = await readSnapshot(pool, rolloutId);
  if (!rollout && rolloutId !== undefined) throw unknownRollout(rolloutId);
  const never = create(RolloutSchema, { state: SentinelRolloutState.IDLE });
  return create(WatchResponse_SnapshotSchema, { rollout: rollout ?? never, sequence, reset });
}

export function unknownRollout(rolloutId: string): ConnectError {
  return new ConnectError(`there is no rollout ${JSON.stringify(rolloutId)}`, Code.NotFound);
}

async function latestOfAll(pool: pg.Pool): Promise<bigint> {
  return (await readLogPositions(pool)).eventSequence;
}

async function latestOf(pool: pg.Pool, rolloutId: string): Promise<bigint> {
  const end = await readRolloutEnd(pool, rolloutId);
  if (!end) throw unknownRollout(rolloutId);
  return end.sequence;
}
