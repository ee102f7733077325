import { defineEffect } from "../../engine/index.ts";
import { LOCK_LOG, TELL_LOG, writeLog } from "./log.ts";
import { absence, converged } from "./sentinel-sql.ts";
import { SENTINEL_EVENT_COLUMNS, TARGET_OF_INPUT, targetRecord, WAVES_AND_EVENTS } from "./target-sql.ts";

export interface BeginTargetRow {
  rolloutId: string;
  /** The rollout's driver that wants it. */
  driver: string;
  target: number;
  waveIndex: number;
  /** The invocation that deploys it. */
  invocation: string;
  /** What a report resolves once the deploy has its outcome. */
  awakeable: string;
  /** A later invocation that waits for the same sentinel. */
  supersededBy: string | null;
}

export interface BeginTargetResult {
  /**
   * `deploying`: the configuration is written. `left`: not this driver's turn,
   * nothing was written. Otherwise the target's outcome.
   */
  outcome: "deploying" | "left" | "ready" | "failed" | "skipped" | "reverted";
  reason: string;
  sentinelId: string;
  image: string;
  /** It had its outcome before. */
  settled: boolean;
}

/** Starts the deploy of one target, or gives it its outcome at once. */
export const beginTarget = defineEffect<BeginTargetRow, BeginTargetResult>({
  name: "begin_target",
  input: {
    rolloutId: "text",
    driver: "text",
    target: "int4",
    waveIndex: "int4",
    invocation: "text",
    awakeable: "text",
    supersededBy: "text",
  },
  output: { outcome: "text", reason: "text", sentinelId: "text", image: "text", settled: "bool" },
  prelude: LOCK_LOG,
  epilogue: TELL_LOG,
  record: targetRecord,
  sql: `
with found as materialized (
  select input.*, r.image, r.state, t.status, t.sentinel_id, t.reason as known_reason,
         s.image as old_image, s.running_image, ${absence("s")} as absence,
         case when t.status not in ('pending', 'deploying') then 'settled'
              when t.status = 'deploying' then 'left'
              when r.state not in ('in_progress', 'paused') then 'late'
              when r.state = 'paused' or r.driver <> input.driver then 'left'
              when s.id is null or s.desired_state <> 'running' then 'absent'
              when input.superseded_by is not null then 'superseded'
              when s.image = r.image and s.deploy_status in ('idle', 'ready') and ${converged("s")} then 'ready'
              else 'deploying' end as verdict
    from $input
    ${TARGET_OF_INPUT}
),
judged as materialized (
  select found.*,
         case verdict when 'settled' then status when 'late' then 'skipped' when 'absent' then 'skipped'
                      when 'superseded' then 'failed' else verdict end as outcome,
         case verdict when 'settled' then known_reason
                      when 'late' then 'the rollout was ' || case state when 'rolling_back' then 'being rolled back' else state end
                                       || ' before its turn came'
                      when 'absent' then absence
                      when 'superseded' then 'superseded by ' || superseded_by
                      else '' end as reason
    from found
),
changed as (
  update rollout_targets as t
     set status = j.outcome, reason = j.reason, started_at = statement_timestamp(),
         previous_image = case when j.verdict in ('deploying', 'ready')
                               then coalesce(nullif(j.running_image, ''), j.old_image) else t.previous_image end,
         ended_at = case when j.outcome <> 'deploying' then statement_timestamp() end
    from judged as j
   where j.verdict not in ('settled', 'left')
     and t.rollout_id = j.rollout_id and t.target = j.target and t.status = 'pending'
  returning j.ord, j.rollout_id, j.wave_index, j.target, j.state, j.sentinel_id, j.invocation, j.awakeable, j.image,
            'sentinel_' || j.outcome as type, j.outcome, j.reason,
            case j.verdict when 'superseded' then 'superseded' end as reason_class,
            (j.outcome = 'deploying')::int as d_in_flight, (j.outcome = 'ready')::int as d_ready,
            (j.outcome = 'failed')::int as d_failed, (j.outcome = 'skipped')::int as d_skipped, 0 as d_reverted
),
configured as (
  update sentinels as s
     set image = c.image, generation = s.generation + (s.image <> c.image)::int,
         deploy_number = s.deploy_number + 1, deploy_status = 'progressing', deploy_reason = '', deploy_reason_class = '',
         deploy_progress = '', deploy_invocation = c.invocation, deploy_awakeable = c.awakeable, deploy_rollout_id = c.rollout_id, deploy_target = c.target,
         updated_at = statement_timestamp()
    from changed as c where c.outcome = 'deploying' and s.id = c.sentinel_id
  returning c.ord, s.region_id, s.id as sentinel_id
),
change as materialized (
  select ord, 0 as step, region_id, sentinel_id, false as deleted, '' as k8s_namespace, '' as k8s_name from configured
),
${WAVES_AND_EVENTS},
${writeLog({ events: SENTINEL_EVENT_COLUMNS, changes: true })}
select ord, outcome, reason, sentinel_id, image, verdict = 'settled' from judged`,
});
