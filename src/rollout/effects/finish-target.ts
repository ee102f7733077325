import { defineEffect } from "../../engine/index.ts";
import { DEPLOY_END_COLUMNS, type DeployEnd, GIVE_UP_TEXT, GO_ON_OR_GIVE_UP } from "./deploy-end.ts";
import { LOCK_LOG, TELL_LOG, writeLog } from "./log.ts";
import { absence } from "./sentinel-sql.ts";
import { SENTINEL_EVENT_COLUMNS, TARGET_OF_INPUT, targetRecord, WAVES_AND_EVENTS } from "./target-sql.ts";

export interface FinishTargetRow extends DeployEnd {
  rolloutId: string;
  driver: string;
  target: number;
  waveIndex: number;
}

export interface FinishTargetResult {
  /** `progressing`: no outcome yet, wait for the next awakeable. Otherwise where the target stands. */
  outcome: "progressing" | "pending" | "ready" | "failed" | "skipped" | "reverted";
  reason: string;
  /** Time to the outcome that this row has given it; 0: the deploy never began. Null: it has given it none. */
  durationMs: number | null;
}

/**
 * Gives a target the outcome that is true at the commit (R9): whether a report
 * or the time limit came first is decided here, not by who woke the handler.
 */
export const finishTarget = defineEffect<FinishTargetRow, FinishTargetResult>({
  name: "finish_target",
  input: {
    rolloutId: "text",
    driver: "text",
    target: "int4",
    waveIndex: "int4",
    ...DEPLOY_END_COLUMNS,
  },
  output: { outcome: "text", reason: "text", durationMs: "float8" },
  prelude: LOCK_LOG,
  epilogue: TELL_LOG,
  record: targetRecord,
  sql: `
with found as materialized (
  select input.*, r.image, r.state, t.status, t.started_at, t.sentinel_id, t.reason as known_reason,
         s.deploy_reason, s.deploy_reason_class, ${absence("s")} as absence, ${GIVE_UP_TEXT},
         case when t.status = 'pending' and r.state = 'in_progress' and r.driver = input.driver
                   and input.give_up_reason is not null then 'never_begun'
              when t.status <> 'deploying' then 'settled'
              when s.id is null or s.desired_state <> 'running' then 'absent'
              when s.deploy_invocation is distinct from input.invocation and input.give_up_class = 'abandoned' then 'settled'
              when s.deploy_invocation is distinct from input.invocation or s.deploy_rollout_id is null
                or s.deploy_status = 'idle' then 'superseded'
              when s.deploy_status in ('ready', 'failed') then s.deploy_status
              when input.give_up_reason is not null then 'given_up'
              else 'progressing' end as verdict
    from $input
    ${TARGET_OF_INPUT}
),
judged as materialized (
  select found.*,
         case verdict when 'settled' then status when 'absent' then 'skipped'
                      when 'never_begun' then 'failed' when 'superseded' then 'failed' when 'given_up' then 'failed'
                      else verdict end as outcome,
         case verdict when 'settled' then known_reason when 'absent' then absence
                      when 'superseded' then 'superseded by an edit' when 'failed' then deploy_reason
                      when 'never_begun' then give_up_reason when 'given_up' then give_up_text else '' end as reason,
         case verdict when 'superseded' then 'superseded' when 'failed' then nullif(deploy_reason_class, '')
                      when 'never_begun' then give_up_class when 'given_up' then give_up_class end as reason_class
    from found
),
unsettled as materialized (
  select sentinel_id, give_up_text, give_up_class, next_awakeable from judged where verdict in ('given_up', 'progressing')
),
${GO_ON_OR_GIVE_UP},
changed as (
  update rollout_targets as t
     set status = j.outcome, reason = j.reason, ended_at = statement_timestamp()
    from judged as j
   where j.verdict not in ('settled', 'progressing')
     and t.rollout_id = j.rollout_id and t.target = j.target and t.status = j.status
  returning j.ord, j.rollout_id, j.wave_index, j.state, j.sentinel_id, j.image,
            'sentinel_' || j.outcome as type, j.reason, j.reason_class,
            -(j.status = 'deploying')::int as d_in_flight, (j.outcome = 'ready')::int as d_ready,
            (j.outcome = 'failed')::int as d_failed, (j.outcome = 'skipped')::int as d_skipped, 0 as d_reverted
),
${WAVES_AND_EVENTS},
${writeLog({ events: SENTINEL_EVENT_COLUMNS })}
select ord, outcome, reason,
       case when verdict not in ('settled', 'progressing')
            then coalesce(extract(epoch from statement_timestamp() - started_at) * 1000, 0) end
  from judged`,
});
