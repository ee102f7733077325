import { defineEffect } from "../../engine/index.ts";
import { DEPLOY_END_COLUMNS, type DeployEnd, GIVE_UP_TEXT, GO_ON_OR_GIVE_UP } from "./deploy-end.ts";
import { LOCK_LOG, TELL_LOG, writeLog } from "./log.ts";
import { absence } from "./sentinel-sql.ts";
import { SENTINEL_EVENT_COLUMNS, TARGET_OF_INPUT, targetRecord, WAVES_AND_EVENTS } from "./target-sql.ts";

export interface FinishRevertRow extends DeployEnd {
  rolloutId: string;
  target: number;
  waveIndex: number;
}

export interface FinishRevertResult {
  /** `progressing`: wait for the next awakeable. `settled`: it was not being reverted. */
  outcome: "progressing" | "settled" | "reverted" | "revert_failed";
  reason: string;
}

/** Gives a target that is being reverted the outcome that is true at the commit (R9). */
export const finishRevert = defineEffect<FinishRevertRow, FinishRevertResult>({
  name: "finish_revert",
  input: { rolloutId: "text", target: "int4", waveIndex: "int4", ...DEPLOY_END_COLUMNS },
  output: { outcome: "text", reason: "text" },
  prelude: LOCK_LOG,
  epilogue: TELL_LOG,
  record: targetRecord,
  sql: `
with found as materialized (
  select input.*, r.state, t.sentinel_id, t.previous_image as image,
         s.deploy_reason, s.deploy_reason_class, ${absence("s")} as absence, ${GIVE_UP_TEXT},
         case when not t.reverting then 'settled'
              when s.id is null or s.desired_state <> 'running' then 'absent'
              when s.deploy_invocation is distinct from input.invocation and input.give_up_class = 'abandoned' then 'settled'
              when s.deploy_invocation is distinct from input.invocation or s.deploy_status = 'idle'
                or s.image <> t.previous_image then 'superseded'
              when s.deploy_status = 'ready' then 'reverted'
              when s.deploy_status = 'failed' then 'failed'
              when input.give_up_reason is not null then 'given_up'
              else 'progressing' end as verdict
    from $input
    ${TARGET_OF_INPUT}
),
judged as materialized (
  select found.*,
         case when verdict in ('absent', 'superseded', 'failed', 'given_up') then 'revert_failed' else verdict end as outcome,
         case verdict when 'absent' then absence when 'superseded' then 'superseded by an edit'
                      when 'failed' then deploy_reason when 'given_up' then give_up_text else '' end as reason,
         case verdict when 'superseded' then 'superseded' when 'failed' then nullif(deploy_reason_class, '')
                      when 'given_up' then give_up_class end as reason_class
    from found
),
unsettled as materialized (
  select sentinel_id, give_up_text, give_up_class, next_awakeable from judged where verdict in ('given_up', 'progressing')
),
${GO_ON_OR_GIVE_UP},
changed as (
  update rollout_targets as t
     set status = case j.outcome when 'reverted' then 'reverted' else t.status end, reverting = false, reason = j.reason,
         ended_at = case j.outcome when 'reverted' then statement_timestamp() else t.ended_at end
    from judged as j
   where j.outcome in ('reverted', 'revert_failed') and t.rollout_id = j.rollout_id and t.target = j.target and t.reverting
  returning j.ord, j.rollout_id, j.wave_index, j.state, j.sentinel_id, j.image,
            'sentinel_' || j.outcome as type, j.reason, j.reason_class, -1 as d_in_flight,
            -(j.outcome = 'reverted')::int as d_ready, 0 as d_failed, 0 as d_skipped, (j.outcome = 'reverted')::int as d_reverted
),
${WAVES_AND_EVENTS},
${writeLog({ events: SENTINEL_EVENT_COLUMNS })}
select ord, outcome, reason from judged`,
});
