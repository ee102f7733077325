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
   * Told of the first such row of a request.
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
         s.region_id as old_region_id, s.k8s_namespace as old_namespace, s.k8s_name as old_name,
         (input.region_id, input.k8s_namespace, input.k8s_name)
           <> (s.region_id, s.k8s_namespace, s.k8s_name) is true as moves,
         (input.image, input.desired_state, input.desired_replicas, input.cpu_millicores, input.memory_mib)
           <> (s.image, s.desired_state, s.desired_replicas, s.cpu_millicores, s.memory_mib) is true as changes,
         (input.workspace_id, input.project_id, input.environment_id)
           <> (s.workspace_id, s.project_id, s.environment_id) is true as relabels,
         s.deploy_status = 'progressing' as is_deploying, s.deploy_awakeable
    from $input left join sentinels as s on s.id = input.sentinel_id
),
-- Rows that want a place which they do not have.
taker as materialized (
  select m.ord, m.request, m.region_id, m.k8s_namespace, m.k8s_name,
         exists (select from sentinels as other
                  where other.region_id = m.region_id and other.k8s_namespace = m.k8s_namespace
                    and other.k8s_name = m.k8s_name) as is_taken
    from merged as m where m.is_new or m.moves
),
crowded as materialized (
  select request, region_id, k8s_namespace, k8s_name, min(ord) as first
    from taker group by request, region_id, k8s_namespace, k8s_name having count(*) > 1
),
repeated as materialized (
  select request, sentinel_id, min(ord) as first from merged group by request, sentinel_id having count(*) > 1
),
problem as (
  select ord, request, 'repeated' as problem from merged
   where (request, sentinel_id) in (select request, sentinel_id from repeated)
     and ord not in (select first from repeated)
  union all
  select ord, request, 'incomplete' from merged
   where region_id is null or k8s_namespace is null or k8s_name is null or image is null
  union all
  select ord, request, 'place_taken' from taker
   where is_taken
      or (request, region_id, k8s_namespace, k8s_name)
           in (select request, region_id, k8s_namespace, k8s_name from crowded)
     and ord not in (select first from crowded)
),
refused as materialized (
  select distinct on (request) request, ord, problem from problem order by request, ord, problem <> 'repeated', problem
),
accepted as not materialized (
  select m.*, m.is_deploying and (m.moves or m.changes) as supersedes from merged as m
   where m.request not in (select request from refused)
),
created as (
  insert into sentinels (id, ${COLUMNS})
  select sentinel_id, ${COLUMNS} from accepted where is_new
),
updated as (
  update sentinels as s
     set workspace_id = a.workspace_id, project_id = a.project_id, environment_id = a.environment_id,
         region_id = a.region_id, k8s_namespace = a.k8s_namespace, k8s_name = a.k8s_name,
         image = a.image, desired_state = a.desired_state, desired_replicas = a.desired_replicas,
         cpu_millicores = a.cpu_millicores, memory_mib = a.memory_mib,
         generation = s.generation + a.changes::int, deploy_number = s.deploy_number + a.supersedes::int,
         deploy_status = case when a.supersedes then 'idle' else s.deploy_status end,
         deploy_awakeable = case when a.supersedes then null else s.deploy_awakeable end,
         deploy_progress = case when a.supersedes then '' else s.deploy_progress end,
         -- With another image it is not the rollout's any more.
         deploy_rollout_id = case when a.image = s.image then s.deploy_rollout_id end,
         deploy_target = case when a.image = s.image then s.deploy_target end,
         -- Nothing has been seen yet of a place that it moves to.
         running_image = case when a.moves then '' else s.running_image end,
         health = case when a.moves then 'unknown' else s.health end,
         available_replicas = case when a.moves then 0 else s.available_replicas end,
         observed_generation = case when a.moves then 0 else s.observed_generation end,
         observed_deploy_number = case when a.moves then 0 else s.observed_deploy_number end,
         deployment_uid = case when a.moves then '' else s.deployment_uid end,
         report_order = case when a.moves then 0 else s.report_order end,
         drift = case when a.moves then '' else s.drift end,
         taken_from = case when a.moves then '' else s.taken_from end,
         updated_at = statement_timestamp()
    from accepted as a where (a.moves or a.changes or a.relabels) and s.id = a.sentinel_id
),
change as materialized (
  select ord, 0 as step, old_region_id as region_id, sentinel_id, true as deleted,
         old_namespace as k8s_namespace, old_name as k8s_name
    from accepted where moves
  union all
  select ord, 1, region_id, sentinel_id, false, '', '' from accepted where is_new or moves or changes
),
${writeLog({ changes: true })}
select m.ord,
       case when r.request is not null then 'refused'
            when m.is_new then 'created'
            when m.moves or m.changes or m.relabels then 'updated'
            else 'unchanged' end,
       case when r.ord = m.ord then r.problem end,
       case when r.request is null and m.is_deploying and (m.moves or m.changes) then m.deploy_awakeable end
  from merged as m left join refused as r on r.request = m.request`,
});
