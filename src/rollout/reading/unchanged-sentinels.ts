import type { SentinelSpecRow } from "../effects/upsert-sentinels.ts";
import { type Database, rowsOf } from "./database.ts";

const UNCHANGED = `
  select input.ord::int4 as ord
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                $10::int4[], $11::int4[], $12::int4[]) with ordinality
      as input(id, workspace_id, project_id, environment_id, region_id, k8s_namespace, k8s_name, image, desired_state,
               desired_replicas, cpu_millicores, memory_mib, ord)
   cross join lateral (select * from sentinels where sentinels.id = input.id offset 0) as s
   where (coalesce(input.workspace_id, s.workspace_id), coalesce(input.project_id, s.project_id),
          coalesce(input.environment_id, s.environment_id), coalesce(input.region_id, s.region_id),
          coalesce(input.k8s_namespace, s.k8s_namespace), coalesce(input.k8s_name, s.k8s_name),
          coalesce(input.image, s.image), coalesce(input.desired_state, s.desired_state),
          coalesce(input.desired_replicas, s.desired_replicas), coalesce(input.cpu_millicores, s.cpu_millicores),
          coalesce(input.memory_mib, s.memory_mib))
       = (s.workspace_id, s.project_id, s.environment_id, s.region_id, s.k8s_namespace, s.k8s_name,
          s.image, s.desired_state, s.desired_replicas, s.cpu_millicores, s.memory_mib)`;

/** Which of the rows, by index, say nothing that is not so already. Takes no lock. */
export async function readUnchanged(database: Database, rows: readonly SentinelSpecRow[]): Promise<Set<number>> {
  const column = (name: keyof SentinelSpecRow) => rows.map((row) => row[name]);
  const found = await rowsOf<{ ord: number }>(database, UNCHANGED, [
    column("sentinelId"),
    column("workspaceId"),
    column("projectId"),
    column("environmentId"),
    column("regionId"),
    column("k8sNamespace"),
    column("k8sName"),
    column("image"),
    column("desiredState"),
    column("desiredReplicas"),
    column("cpuMillicores"),
    column("memoryMib"),
  ]);
  return new Set(found.map(({ ord }) => ord - 1));
}
