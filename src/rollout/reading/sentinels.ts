import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Sentinel, SentinelSchema } from "../../gen/hydra/v1/sentinel_pb.ts";
import { type Database, rowsOf } from "./database.ts";
import { deployStatuses, desiredStates, healths } from "./enum-names.ts";

interface SentinelRow {
  id: string;
  workspace_id: string;
  project_id: string;
  environment_id: string;
  region_id: string;
  k8s_namespace: string;
  k8s_name: string;
  image: string;
  running_image: string;
  desired_state: string;
  health: string;
  desired_replicas: number;
  available_replicas: number;
  deploy_status: string;
  deploy_reason: string;
  deploy_progress: string;
  cpu_millicores: number;
  memory_mib: number;
  generation: string;
  observed_generation: string;
  drift: string;
  taken_from: string;
  created_at: Date;
  updated_at: Date;
}

export interface SentinelPage {
  /** Only ids after this one; empty: from the first. */
  readonly after: string;
  readonly limit: number;
  /** Only this region; empty: all. */
  readonly regionId: string;
  /** Names of deploy statuses; empty: all. */
  readonly deployStatuses: readonly string[];
}

const COLUMNS = `
  select id, workspace_id, project_id, environment_id, region_id, k8s_namespace, k8s_name, image, running_image,
         desired_state, health, desired_replicas, available_replicas, deploy_status, deploy_reason, deploy_progress,
         cpu_millicores, memory_mib, generation, observed_generation, drift, taken_from, created_at, updated_at
    from sentinels`;

/** One sentinel. Undefined: there is none with this id. */
export async function readSentinel(database: Database, id: string): Promise<Sentinel | undefined> {
  const [row] = await rowsOf<SentinelRow>(database, `${COLUMNS} where id = $1::text`, [id]);
  return row && sentinelFromRow(row);
}

/** Sentinels in the order of their ids. */
export async function readSentinels(database: Database, page: SentinelPage): Promise<Sentinel[]> {
  const rows = await rowsOf<SentinelRow>(
    database,
    `${COLUMNS}
      where id > $1::text
        and ($2::text = '' or region_id = $2::text)
        and (cardinality($3::text[]) = 0 or deploy_status = any($3::text[]))
      order by id limit $4::int`,
    [page.after, page.regionId, page.deployStatuses, page.limit],
  );
  return rows.map(sentinelFromRow);
}

function sentinelFromRow(row: SentinelRow): Sentinel {
  return create(SentinelSchema, {
    id: row.id,
    workspaceId: row.workspace_id,
    projectId: row.project_id,
    environmentId: row.environment_id,
    regionId: row.region_id,
    k8sNamespace: row.k8s_namespace,
    k8sName: row.k8s_name,
    image: row.image,
    runningImage: row.running_image,
    desiredState: desiredStates.valueOf(row.desired_state),
    health: healths.valueOf(row.health),
    desiredReplicas: row.desired_replicas,
    availableReplicas: row.available_replicas,
    deployStatus: deployStatuses.valueOf(row.deploy_status),
    deployReason: row.deploy_reason,
    deployProgress: row.deploy_progress,
    cpuMillicores: row.cpu_millicores,
    memoryMib: row.memory_mib,
    generation: BigInt(row.generation),
    observedGeneration: BigInt(row.observed_generation),
    drift: row.drift,
    takenFrom: row.taken_from,
    createdAt: timestampFromDate(row.created_at),
    updatedAt: timestampFromDate(row.updated_at),
  });
}
