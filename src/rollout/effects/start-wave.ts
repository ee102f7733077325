import { defineEffect } from "../../engine/index.ts";
import type { DriverResult, DriverRow } from "./list-targets.ts";
import { LOCK_LOG, TELL_LOG, writeLog } from "./log.ts";
import { driven, ONE_ROLLOUT, totalTargets } from "./rollout-sql.ts";

/** A target and its sentinel. */
export type TargetPair = readonly [target: number, sentinelId: string];

export interface StartWaveResult extends DriverResult {
  image: string;
  /** Null: no wave was left, and the rollout is completed. */
  waveIndex: number | null;
  size: number | null;
  /** Targets of the wave without an outcome. */
  targets: readonly TargetPair[] | null;
}

/**
 * Starts the first wave that has not been left, or completes the rollout where
 * there is none (R5). A wave that its driver was torn from in the middle is
 * started again, for those targets that have no outcome yet (R6).
 */
export const startWave = defineEffect<DriverRow, StartWaveResult>({
  name: "start_wave",
  input: { driver: "text" },
  output: {
    ours: "bool",
    rolloutId: "text",
    state: "text",
    image: "text",
    waveIndex: "int4",
    size: "int4",
    targets: "json",
  },
  prelude: LOCK_LOG,
  epilogue: TELL_LOG,
  record: ONE_ROLLOUT,
  sql: `
with ${driven("in_progress")},
next as materialized (
  select driven.*, w.wave_index, w.first_target, w.size, w.ready, w.failed,
         case when not driven.ours then driven.state when w.wave_index is null then 'completed' else driven.state end as new_state
    from driven
    left join lateral (
      select wave_index, first_target, size, ready, failed from rollout_waves
       where rollout_id = driven.id and completed_at is null and driven.ours
       order by wave_index limit 1
    ) as w on true
),
moved as (
  update rollouts as r
     set state = next.new_state, current_wave = coalesce(next.wave_index, r.current_wave),
         updated_at = statement_timestamp(), ended_at = case when next.wave_index is null then statement_timestamp() end
    from next where r.id = next.id and next.ours
),
started as (
  update rollout_waves as w set started_at = coalesce(w.started_at, statement_timestamp())
    from next where next.ours and w.rollout_id = next.id and w.wave_index = next.wave_index
),
event as materialized (
  select ord, 0 as step, id as rollout_id, notifies, new_state as state,
         case when wave_index is null then 'rollout_completed' else 'wave_started' end as type,
         wave_index, size as wave_size, ready as wave_ready, failed as wave_failed, image,
         case when wave_index is null then ${totalTargets("next.id")} end as total
    from next where ours
),
${writeLog({ events: ["wave_index", "wave_size", "wave_ready", "wave_failed", "image", "total"], notifies: true })}
select ord, ours, id, new_state, image, wave_index, size,
       (select json_agg(json_build_array(t.target, t.sentinel_id) order by t.target)
          from rollout_targets as t
         where t.rollout_id = next.id and t.target >= next.first_target and t.target < next.first_target + next.size
           and t.status in ('pending', 'deploying'))
  from next`,
});
