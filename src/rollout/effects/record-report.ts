import { defineEffect } from "../../engine/index.ts";
import { LOCK_LOG, TELL_LOG, writeLog } from "./log.ts";
import { SENTINEL_EVENT_COLUMNS, WAVES_AND_EVENTS } from "./target-sql.ts";

/** What an agent saw of one sentinel. */
export interface ReportRow {
  sentinelId: string;
  regionId: string;
  deployNumber: number;
  observedGeneration: number;
  deploymentUid: string;
  reportOrder: number;
  health: string;
  runningImage: string;
  availableReplicas: number;
  /** Why this deploy cannot work; empty: nothing says so. */
  failureClass: string;
  /** Why it cannot work, or, without a class, what it still waits for. */
  reason: string;
  drift: string;
  takenFrom: string;
}

export interface ReportResult {
  /** False: older than what is known. */
  recorded: boolean;
  /** Set: the deploy that waited on it has its outcome. */
  awakeable: string | null;
}

const CONVERGED = `l.health = 'healthy' and l.running_image = l.image and l.available_replicas >= l.desired_replicas`;

/**
 * Records a report and settles the deploy in force by it (R9). One that had
 * failed and has converged after all is ready; if it was part of a rollout, its
 * target took the image (R10). No result: there is no such sentinel in the region.
 */
export const recordReport = defineEffect<ReportRow, ReportResult>({
  name: "record_report",
  input: {
    sentinelId: "text",
    regionId: "text",
    deployNumber: "int8",
    observedGeneration: "int8",
    deploymentUid: "text",
    reportOrder: "int8",
    health: "text",
    runningImage: "text",
    availableReplicas: "int4",
    failureClass: "text",
    reason: "text",
    drift: "text",
    takenFrom: "text",
  },
  output: { recorded: "bool", awakeable: "text" },
  prelude: LOCK_LOG,
  epilogue: TELL_LOG,
  record: (row) => row.sentinelId,
  actions: (_row, { awakeable }) =>
    awakeable === null ? [] : [{ kind: "resolve", awakeableId: awakeable, value: {} }],
  sql: `
with looked as materialized (
  select input.*, s.image, s.desired_replicas, s.deploy_status as old_status, s.deploy_awakeable,
         s.deploy_rollout_id, s.deploy_target,
         input.deploy_number = s.deploy_number as in_force,
         -- The order is one within a deploy: the first report for a newer deploy is news, whatever its order. One for a
         -- deploy that there has not been is of before the database was restored or the sentinel was imported anew.
         input.deploy_number > s.deploy_number
           or (s.deployment_uid = input.deployment_uid
               and (input.deploy_number, input.report_order) <= (s.observed_deploy_number, s.report_order)) as stale,
         -- While a deploy runs the order counts too: a late report must not fail it.
         s.deploy_status = 'progressing' or input.observed_generation > s.observed_generation
           or (s.health, s.running_image, s.available_replicas, s.deployment_uid, s.observed_deploy_number, s.drift, s.taken_from)
           <> (input.health, input.running_image, input.available_replicas, input.deployment_uid, input.deploy_number,
               input.drift, input.taken_from) as news
    from $input join sentinels as s on s.id = input.sentinel_id and s.region_id = input.region_id
),
judged as materialized (
  select l.*,
         case when l.stale or not l.in_force then l.old_status
              when ${CONVERGED} and (l.old_status in ('progressing', 'failed') or l.deploy_rollout_id is not null) then 'ready'
              when l.old_status = 'progressing' and l.failure_class <> '' then 'failed'
              else l.old_status end as status
    from looked as l
),
told as (
  update sentinels as s
     set health = j.health, running_image = j.running_image, available_replicas = j.available_replicas,
         observed_generation = greatest(s.observed_generation, j.observed_generation),
         observed_deploy_number = j.deploy_number, deployment_uid = j.deployment_uid, report_order = j.report_order,
         drift = j.drift, taken_from = j.taken_from, deploy_status = j.status,
         deploy_progress = case when j.status <> 'progressing' then ''
                                when j.in_force and j.failure_class = '' then j.reason else s.deploy_progress end,
         deploy_reason = case when j.status = j.old_status then s.deploy_reason when j.status = 'failed' then j.reason else '' end,
         deploy_reason_class = case when j.status = j.old_status then s.deploy_reason_class
                                    when j.status = 'failed' then j.failure_class else '' end,
         deploy_awakeable = case when j.status = j.old_status then s.deploy_awakeable end,
         updated_at = statement_timestamp()
    from judged as j where s.id = j.sentinel_id and not j.stale and (j.news or j.status <> j.old_status)
  returning j.ord, j.deploy_rollout_id, j.deploy_target, j.status = 'ready' and j.old_status <> 'ready' as became_ready
),
recovered as materialized (
  select told.ord, told.deploy_rollout_id, told.deploy_target, r.state, r.image, w.wave_index
    from told
    join rollouts as r on r.id = told.deploy_rollout_id
   cross join lateral (
     select wave_index from rollout_waves
      where rollout_id = told.deploy_rollout_id and told.deploy_target >= first_target
        and told.deploy_target < first_target + size offset 0
   ) as w
   where told.became_ready
     and exists (select from rollout_targets as t
                  where t.rollout_id = told.deploy_rollout_id and t.target = told.deploy_target and t.status = 'failed' offset 0)
),
changed as (
  update rollout_targets as t set status = 'ready', reason = '', ended_at = statement_timestamp()
    from recovered as c where t.rollout_id = c.deploy_rollout_id and t.target = c.deploy_target and t.status = 'failed'
  returning c.ord, t.rollout_id, c.wave_index, c.state, t.sentinel_id, c.image, 'sentinel_recovered' as type,
            null as reason, null as reason_class, 0 as d_in_flight, 1 as d_ready, -1 as d_failed, 0 as d_skipped, 0 as d_reverted
),
${WAVES_AND_EVENTS},
${writeLog({ events: SENTINEL_EVENT_COLUMNS })}
select ord, not stale, case when old_status = 'progressing' and status <> 'progressing' then deploy_awakeable end from judged`,
});
