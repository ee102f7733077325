import { defineEffect } from "../../engine/index.ts";
import { LOCK_LOG, TELL_LOG, writeLog } from "./log.ts";

/** What is said of a sentinel; null keeps the current value, or takes the default on a new one. */
export interface SentinelSpecRow {
  /** Rows of one request are written all or none. */
  request: string;
  sentinelId: string;
  workspaceId: string | null;
  projectId: string | null;
  environmentId: string | null;
  regionId: string | null;
  k8sNamespace: string | null;
  k8sName: string | null;
  image: string | null;
  desiredState: string | null;
  desiredReplicas: number | null;
  cpuMillicores: number | null;
  memoryMib: number | null;
}

export interface UpsertSentinelResult {
  /** `refused`: this row or another one of its request has a problem; none was written. */
  outcome: "created" | "updated" | "unchanged" | "refused";
  /**
   * `incomplete`: it is new, and region, namespace, name or image is missing.
   * `place_taken`: another sentinel is at the same region, namespace and name.
   * `repeated`: the same id came before in this request.
   */
  problem: "incomplete" | "place_taken" | "repeated" | null;
  /** Set: the deploy that waited on it is superseded. */
  awakeable: string | null;
}

const COLUMNS = `workspace_id, project_id, environment_id, region_id, k8s_namespace, k8s_name,
         image, desired_state, desired_replicas, cpu_millicores, memory_mib`;

/** Creates sentinels and changes existing ones (R11). */
export const upsertSentinels = defineEffect<SentinelSpecRow, UpsertSentinelResult>({
  name: "upsert_sentinels",
  input: {
    request: "text",
    sentinelId: "text",
    workspaceId: "text",
    projectId: "text",
    environmentId: "text",
    regionId: "text",
    k8sNamespace: "text",
    k8sName: "text",
    image: "text",
    desiredState: "text",
    desiredReplicas: "int4",
    cpuMillicores: "int4",
    memoryMib: "int4",
  },
  output: { outcome: "text", problem: "text", awakeable: "text" },
  prelude: LOCK_LOG,
  epilogue: TELL_LOG,
  record: (row) => row.sentinelId,
  actions: (_row, { awakeable }) =>
    awakeable === null ? [] : [{ kind: "resolve", awakeableId: awakeable, value: {} }],
  sql: `
with merged as materialized (
  select input.ord, input.request, input.sentinel_id, s.id is null as is_new,
         coalesce(input.workspace_id, s.workspace_id, '') as workspace_id,
         coalesce(input.project_id, s.project_id, '') as project_id,
         coalesce(input.environment_id, s.environment_id, '') as environment_id,
         coalesce(input.region_id, s.region_id) as region_id,
         coalesce(input.k8s_namespace, s.k8s_namespace) as k8s_namespace,
         coalesce(input.k8s_name, s.k8s_name) as k8s_name,
         coalesce(input.image, s.image) as image,
         coalesce(input.desired_state, s.desired_state, 'running') as desired_state,
         coalesce(input.desired_replicas, s.desired_replicas, 1) as desired_replicas,
         coalesce(input.cpu_millicores, s.cpu_millicores, 0) as cpu_millicores,
         coalesce(input.memory_mib, s.memory_mib, 0) as memory_mib,
         s.workspace_id as old_workspace_id, s.project_id as old_project_id, s.environment_id as old_environment_id,
         s.region_id as old_region_id, s.k8s_namespace as old_namespace, s.k8s_name as old_name,
         s.image as old_image, s.desired_state as old_desired_state, s.desired_replicas as old_replicas,
         s.cpu_millicores as old_cpu, s.memory_mib as old_memory, s.deploy_status, s.deploy_awakeable
    from $input left join sentinels as s on s.id = input.sentinel_id
),
compared as materialized (
  select m.*,
         (m.region_id, m.k8s_namespace, m.k8s_name) <> (m.old_region_id, m.old_namespace, m.old_name) as moves,
         (m.image, m.desired_state, m.desired_replicas, m.cpu_millicores, m.memory_mib)
           <> (m.old_image, m.old_desired_state, m.old_replicas, m.old_cpu, m.old_memory) as changes,
         (m.workspace_id, m.project_id, m.environment_id)
           <> (m.old_workspace_id, m.old_project_id, m.old_environment_id) as relabels,
         case when row_number() over (partition by m.request, m.sentinel_id order by m.ord) > 1 then 'repeated'
              when m.region_id is null or m.k8s_namespace is null or m.k8s_name is null or m.image is null then 'incomplete'
              when other.id is not null
                or row_number() over (partition by m.request, m.region_id, m.k8s_namespace, m.k8s_name order by m.ord) > 1
              then 'place_taken' end as problem
    from merged as m
    left join sentinels as other
      on other.region_id = m.region_id and other.k8s_namespace = m.k8s_namespace and other.k8s_name = m.k8s_name
     and other.id <> m.sentinel_id
),
judged as materialized (
  select c.*, c.deploy_status = 'progressing' and (c.moves or c.changes) as supersedes,
         case when c.request in (select request from compared where problem is not null) then 'refused'
              when c.is_new then 'created'
              when c.moves or c.changes or c.relabels then 'updated'
              else 'unchanged' end as outcome
    from compared as c
),
created as (
  insert into sentinels (id, ${COLUMNS})
  select sentinel_id, ${COLUMNS} from judged where outcome = 'created'
),
updated as (
  update sentinels as s
     set workspace_id = j.workspace_id, project_id = j.project_id, environment_id = j.environment_id,
         region_id = j.region_id, k8s_namespace = j.k8s_namespace, k8s_name = j.k8s_name,
         image = j.image, desired_state = j.desired_state, desired_replicas = j.desired_replicas,
         cpu_millicores = j.cpu_millicores, memory_mib = j.memory_mib,
         generation = s.generation + j.changes::int, deploy_number = s.deploy_number + j.supersedes::int,
         deploy_status = case when j.supersedes then 'idle' else s.deploy_status end,
         deploy_awakeable = case when j.supersedes then null else s.deploy_awakeable end,
         -- With another image it is not the rollout's any more.
         deploy_rollout_id = case when j.image = s.image then s.deploy_rollout_id end,
         deploy_target = case when j.image = s.image then s.deploy_target end,
         -- Nothing has been seen yet of a place that it moves to.
         running_image = case when j.moves then '' else s.running_image end,
         health = case when j.moves then 'unknown' else s.health end,
         available_replicas = case when j.moves then 0 else s.available_replicas end,
         observed_generation = case when j.moves then 0 else s.observed_generation end,
         observed_deploy_number = case when j.moves then 0 else s.observed_deploy_number end,
         deployment_uid = case when j.moves then '' else s.deployment_uid end,
         report_order = case when j.moves then 0 else s.report_order end,
         updated_at = statement_timestamp()
    from judged as j where j.outcome = 'updated' and s.id = j.sentinel_id
),
change as materialized (
  select ord, 0 as step, old_region_id as region_id, sentinel_id, true as deleted,
         old_namespace as k8s_namespace, old_name as k8s_name
    from judged where outcome = 'updated' and moves
  union all
  select ord, 1, region_id, sentinel_id, false, '', ''
    from judged where outcome = 'created' or outcome = 'updated' and (moves or changes)
),
${writeLog({ changes: true })}
select ord, outcome, problem, case when outcome = 'updated' and supersedes then deploy_awakeable end from judged`,
});
