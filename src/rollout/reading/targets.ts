import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type RolloutTarget, RolloutTargetSchema } from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import { type Database, rowsOf } from "./database.ts";
import { targetStatuses } from "./enum-names.ts";

interface TargetRow {
  target: number;
  sentinel_id: string;
  wave_index: number | null;
  status: string;
  previous_image: string;
  reason: string;
  started_at: Date | null;
  ended_at: Date | null;
}

/** A target with its position in the rollout. */
export interface ListedTarget {
  readonly position: number;
  readonly target: RolloutTarget;
}

export interface TargetPage {
  readonly rolloutId: string;
  /** Only targets at later positions; -1: from the first. */
  readonly after: number;
  readonly limit: number;
  /** Names of statuses; empty: all. */
  readonly statuses: readonly string[];
  /** Only this wave. */
  readonly waveIndex: number | undefined;
}

/** Targets in the order of their sentinels' ids. */
export async function readTargets(database: Database, page: TargetPage): Promise<ListedTarget[]> {
  const rows = await rowsOf<TargetRow>(
    database,
    `select t.target, t.sentinel_id, w.wave_index, t.status, t.previous_image, t.reason, t.started_at, t.ended_at
       from rollout_targets as t
       left join rollout_waves as w
         on w.rollout_id = t.rollout_id and t.target >= w.first_target and t.target < w.first_target + w.size
      where t.rollout_id = $1::text and t.target > $2::int
        and (cardinality($3::text[]) = 0 or t.status = any($3::text[]))
        and ($4::int is null or w.wave_index = $4::int)
      order by t.target limit $5::int`,
    [page.rolloutId, page.after, page.statuses, page.waveIndex ?? null, page.limit],
  );
  return rows.map((row) => ({ position: row.target, target: targetFromRow(row) }));
}

function targetFromRow(row: TargetRow): RolloutTarget {
  return create(RolloutTargetSchema, {
    sentinelId: row.sentinel_id,
    waveIndex: row.wave_index ?? 0,
    status: targetStatuses.valueOf(row.status),
    previousImage: row.previous_image,
    reason: row.reason,
    ...(row.started_at && { startedAt: timestampFromDate(row.started_at) }),
    ...(row.ended_at && { endedAt: timestampFromDate(row.ended_at) }),
  });
}
