import { defineEffect } from "../../engine/index.ts";
import { LOCK_LOG, TELL_LOG, writeLog } from "./log.ts";
import { converged } from "./sentinel-sql.ts";

export interface BeginDeployRow {
  sentinelId: string;
  /** Null: keep. */
  image: string | null;
  cpuMillicores: number | null;
  memoryMib: number | null;
  desiredReplicas: number | null;
  /** The invocation that deploys it. */
  invocation: string;
  /** What a report resolves once the deploy has its outcome. */
  awakeable: string;
}

export interface BeginDeployResult {
  /** `deploying`: the configuration is written. `ready`: nothing to change. `standby`, `archived`: not running. */
  outcome: "deploying" | "ready" | "standby" | "archived";
  image: string;
}

/** Starts a deploy that an operator asked for. No result: there is no such sentinel. */
export const beginDeploy = defineEffect<BeginDeployRow, BeginDeployResult>({
  name: "begin_deploy",
  input: {
    sentinelId: "text",
    image: "text",
    cpuMillicores: "int4",
    memoryMib: "int4",
    desiredReplicas: "int4",
    invocation: "text",
    awakeable: "text",
  },
  output: { outcome: "text", image: "text" },
  prelude: LOCK_LOG,
  epilogue: TELL_LOG,
  record: (row) => row.sentinelId,
  sql: `
with wanted as materialized (
  select input.ord, input.sentinel_id, input.invocation, input.awakeable, s.desired_state,
         s.deploy_status in ('idle', 'ready') and ${converged("s")} as healthy,
         coalesce(input.image, s.image) as image, coalesce(input.cpu_millicores, s.cpu_millicores) as cpu_millicores,
         coalesce(input.memory_mib, s.memory_mib) as memory_mib,
         coalesce(input.desired_replicas, s.desired_replicas) as desired_replicas,
         (coalesce(input.image, s.image), coalesce(input.cpu_millicores, s.cpu_millicores),
          coalesce(input.memory_mib, s.memory_mib), coalesce(input.desired_replicas, s.desired_replicas))
           <> (s.image, s.cpu_millicores, s.memory_mib, s.desired_replicas) as changes
    from $input join sentinels as s on s.id = input.sentinel_id
),
judged as materialized (
  select wanted.*,
         case when desired_state <> 'running' then desired_state
              when not changes and healthy then 'ready'
              else 'deploying' end as outcome
    from wanted
),
configured as (
  update sentinels as s
     set image = j.image, cpu_millicores = j.cpu_millicores, memory_mib = j.memory_mib, desired_replicas = j.desired_replicas,
         generation = s.generation + j.changes::int, deploy_number = s.deploy_number + 1, deploy_status = 'progressing',
         deploy_reason = '', deploy_reason_class = '', deploy_progress = '', deploy_invocation = j.invocation, deploy_awakeable = j.awakeable,
         -- Still the rollout's image: should it come up now, the rollout's target took it after all (R10).
         deploy_rollout_id = case when j.image = s.image then s.deploy_rollout_id end,
         deploy_target = case when j.image = s.image then s.deploy_target end,
         updated_at = statement_timestamp()
    from judged as j where j.outcome = 'deploying' and s.id = j.sentinel_id
  returning j.ord, s.region_id, s.id as sentinel_id
),
change as materialized (
  select ord, 0 as step, region_id, sentinel_id, false as deleted, '' as k8s_namespace, '' as k8s_name from configured
),
${writeLog({ changes: true })}
select ord, outcome, image from judged`,
});
