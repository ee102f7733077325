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
import { readEpoch, readRolloutEnd, readSnapshot } from "../../rollout/index.ts";

/** A rollout, or the latest, with the position up to which it holds. */
export interface PlacedSnapshot {
  readonly snapshot: WatchResponse_Snapshot;
  readonly epoch: string;
}

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
  /** Of what `after` and `latest` are positions. */
  readonly epoch: string;
}

/** Judges a request and finds where its stream begins. Throws the refusal. */
export async function startOfWatch(pool: pg.Pool, request: WatchRequest): Promise<WatchStart> {
  // An empty id is the latest, as in GetRollout.
  const rolloutId = request.rolloutId || undefined;
  const after = request.afterSequence;
  if (after === undefined) return startAt(rolloutId, await takeSnapshot(pool, rolloutId, false));
  if (after < 0n) {
    throw new ConnectError(`after_sequence ${after} is negative: 0 is the beginning`, Code.InvalidArgument);
  }
  if (rolloutId !== undefined && !(await readRolloutEnd(pool, rolloutId))) throw unknownRollout(rolloutId);
  const { standing, end } = await readEpoch(pool, request.epoch ?? "");
  const { eventSequence: latest, epoch } = standing;
  if (!request.epoch && after > latest) {
    throw new ConnectError(`after_sequence ${after} is beyond the latest event, ${latest}`, Code.OutOfRange);
  }
  if (request.epoch && (!end || after > end.eventSequence)) {
    return startAt(rolloutId, await takeSnapshot(pool, rolloutId, true));
  }
  return { rolloutId, snapshot: undefined, after, latest, epoch };
}

export async function takeSnapshot(
  pool: pg.Pool,
  rolloutId: string | undefined,
  reset: boolean,
): Promise<PlacedSnapshot> {
  const { rollout, sequence, epoch } = await readSnapshot(pool, rolloutId);
  if (!rollout && rolloutId !== undefined) throw unknownRollout(rolloutId);
  const never = create(RolloutSchema, { state: SentinelRolloutState.IDLE });
  return { snapshot: create(WatchResponse_SnapshotSchema, { rollout: rollout ?? never, sequence, reset }), epoch };
}

function startAt(rolloutId: string | undefined, { snapshot, epoch }: PlacedSnapshot): WatchStart {
  return { rolloutId, snapshot, after: snapshot.sequence, latest: snapshot.sequence, epoch };
}

export function unknownRollout(rolloutId: string): ConnectError {
  return new ConnectError(`there is no rollout ${JSON.stringify(rolloutId)}`, Code.NotFound);
}
