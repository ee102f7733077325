import { defineEffect } from "../../engine/index.ts";
import type { DriverResult, DriverRow } from "./list-targets.ts";
import { LOCK_LOG, TELL_LOG, writeLog } from "./log.ts";
import { driven, ONE_ROLLOUT, totalTargets } from "./rollout-sql.ts";

export interface CompleteWaveRow extends DriverRow {
  waveIndex: number;
}

export interface CompleteWaveResult extends DriverResult {
  /** From the wave's first start; null: it is not complete. */
  durationMs: number | null;
}

/**
 * Ends a wave once its calls have ended: pauses the rollout where a target
 * failed, completes it after the last wave (R5). A wave in which a target has
 * no outcome is not complete: the rollout pauses, and Resume visits the wave
 * again (R6).
 */
export const completeWave = defineEffect<CompleteWaveRow, CompleteWaveResult>({
  name: "complete_wave",
  input: { driver: "text", waveIndex: "int4" },
  output: { ours: "bool", rolloutId: "text", state: "text", durationMs: "float8" },
  prelude: LOCK_LOG,
  epilogue: TELL_LOG,
  record: ONE_ROLLOUT,
  sql: `
with ${driven("in_progress")},
counted as materialized (
  select driven.*, w.size, w.ready, w.failed, w.started_at,
         w.size - w.ready - w.failed - w.skipped - w.reverted as without_outcome,
         exists (select from rollout_waves as later
                  where later.rollout_id = driven.id and later.wave_index > driven.wave_index) as goes_on
    from driven
    join rollout_waves as w on w.rollout_id = driven.id and w.wave_index = driven.wave_index
),
judged as materialized (
  select counted.*, without_outcome = 0 as complete,
         case when not ours then state
              when failed > 0 or without_outcome > 0 then 'paused'
              when goes_on then state
              else 'completed' end as new_state,
         case when without_outcome > 0 then format('%s of %s sentinels of the wave have no outcome', without_outcome, size)
              when failed > 0 then format('%s of %s sentinels of the wave failed', failed, size) end as pause_reason
    from counted
),
moved as (
  update rollouts as r
     set state = judged.new_state, reason = coalesce(judged.pause_reason, ''), updated_at = statement_timestamp(),
         ended_at = case when judged.new_state = 'completed' then statement_timestamp() end
    from judged where r.id = judged.id and judged.ours
),
ended as (
  update rollout_waves as w set completed_at = statement_timestamp()
    from judged where judged.ours and judged.complete and w.rollout_id = judged.id and w.wave_index = judged.wave_index
),
event as materialized (
  select ord, 0 as step, id as rollout_id, notifies, state, 'wave_completed' as type,
         wave_index, size as wave_size, ready as wave_ready, failed as wave_failed, image, null as reason, null::int as total
    from judged where ours and complete
  union all
  select ord, 1, id, notifies, new_state, 'rollout_' || new_state,
         wave_index, size, ready, failed, image, pause_reason, ${totalTargets("judged.id")}
    from judged where ours and new_state in ('paused', 'completed')
),
${writeLog({
  events: ["wave_index", "wave_size", "wave_ready", "wave_failed", "image", "reason", "total"],
  notifies: true,
})}
select ord, ours, id, new_state,
       case when ours and complete then extract(epoch from statement_timestamp() - started_at) * 1000 end
  from judged`,
});
