import { defineEffect } from "../../engine/index.ts";
import type { BeginTargetRow } from "./begin-target.ts";
import { LOCK_LOG, TELL_LOG, writeLog } from "./log.ts";
import { absence, converged } from "./sentinel-sql.ts";
import { SENTINEL_EVENT_COLUMNS, TARGET_OF_INPUT, targetRecord, WAVES_AND_EVENTS } from "./target-sql.ts";

export interface BeginRevertResult {
  /**
   * `reverting`: the previous image is written. `left`: nothing to revert, or
   * not this driver's turn; nothing was written.
   */
  outcome: "reverting" | "reverted" | "revert_failed" | "left";
  reason: string;
  sentinelId: string;
  /** The image it goes back to. */
  image: string;
}

/**
 * Starts to put one target back on its previous image, or gives it its outcome
 * at once. Only a target that took the image is reverted, and only while it is
 * on the rollout's image or on its previous one.
 */
export const beginRevert = defineEffect<BeginTargetRow, BeginRevertResult>({
  name: "begin_revert",
  input: {
    rolloutId: "text",
    driver: "text",
    target: "int4",
    waveIndex: "int4",
    invocation: "text",
    awakeable: "text",
    supersededBy: "text",
  },
  output: { outcome: "text", reason: "text", sentinelId: "text", image: "text" },
  prelude: LOCK_LOG,
  epilogue: TELL_LOG,
  record: targetRecord,
  sql: `
with found as materialized (
  select input.*, r.state, t.sentinel_id, t.previous_image as image,
         s.image as old_image, ${absence("s")} as absence,
         case when r.state <> 'rolling_back' or r.driver <> input.driver then 'left'
              when t.status <> 'ready' or t.reverting then 'left'
              when s.id is null or s.desired_state <> 'running' then 'absent'
              when input.superseded_by is not null then 'superseded'
              when t.previous_image = r.image then 'unchanged'
              when s.image not in (r.image, t.previous_image) then 'changed'
              when s.image = t.previous_image and s.deploy_status in ('idle', 'ready') and ${converged("s")} then 'reverted'
              else 'reverting' end as verdict
    from $input
    ${TARGET_OF_INPUT}
),
judged as materialized (
  select found.*,
         case when verdict in ('absent', 'superseded', 'unchanged', 'changed') then 'revert_failed' else verdict end as outcome,
         case verdict when 'absent' then absence when 'superseded' then 'superseded by ' || superseded_by
                      when 'unchanged' then 'it ran this image before its turn came'
                      when 'changed' then 'its image was changed since to ' || old_image else '' end as reason
    from found
),
changed as (
  update rollout_targets as t
     set status = case j.outcome when 'reverted' then 'reverted' else t.status end,
         reverting = j.outcome = 'reverting', reason = j.reason,
         ended_at = case j.outcome when 'reverted' then statement_timestamp() else t.ended_at end
    from judged as j
   where j.outcome <> 'left' and t.rollout_id = j.rollout_id and t.target = j.target and t.status = 'ready'
  returning j.ord, j.rollout_id, j.wave_index, j.state, j.sentinel_id, j.invocation, j.awakeable, j.image,
            'sentinel_' || j.outcome as type, j.outcome, j.reason,
            case when j.verdict in ('superseded', 'changed') then 'superseded' end as reason_class,
            (j.outcome = 'reverting')::int as d_in_flight, -(j.outcome = 'reverted')::int as d_ready,
            0 as d_failed, 0 as d_skipped, (j.outcome = 'reverted')::int as d_reverted
),
configured as (
  update sentinels as s
     set image = c.image, generation = s.generation + (s.image <> c.image)::int,
         deploy_number = s.deploy_number + 1, deploy_status = 'progressing', deploy_reason = '', deploy_reason_class = '',
         deploy_progress = '', deploy_invocation = c.invocation, deploy_awakeable = c.awakeable, deploy_rollout_id = null, deploy_target = null, updated_at = statement_timestamp()
    from changed as c where c.outcome = 'reverting' and s.id = c.sentinel_id
  returning c.ord, s.region_id, s.id as sentinel_id
),
change as materialized (
  select ord, 0 as step, region_id, sentinel_id, false as deleted, '' as k8s_namespace, '' as k8s_name from configured
),
${WAVES_AND_EVENTS},
${writeLog({ events: SENTINEL_EVENT_COLUMNS, changes: true })}
select ord, outcome, reason, sentinel_id, image from judged`,
});
