import { create } from "@bufbuild/protobuf";
import { type DesiredSentinel, DesiredSentinelSchema } from "../../gen/hydra/v1/cluster_pb.ts";
import { type Database, rowsOf } from "./database.ts";
import { desiredStates } from "./enum-names.ts";
import { type LogStanding, selectEpochEnd, standingFromRow, type StandingRow } from "./log-positions.ts";

interface DesiredRow {
  sentinel_id: string;
  k8s_namespace: string;
  k8s_name: string;
  desired_state: string;
  image: string;
  desired_replicas: number;
  cpu_millicores: number;
  memory_mib: number;
  generation: string;
  deploy_number: string;
  observed_generation: string;
  observed_deploy_number: string;
}

type PageRow = { [K in keyof DesiredRow]: DesiredRow[K] | null } & StandingRow;

type ChangeRow = PageRow & {
  oldest: string;
  reach: string | null;
  version: string | null;
  region_id: string | null;
  left_id: string | null;
  left_namespace: string | null;
  left_name: string | null;
};

/** That a sentinel has changed, and how it is now. */
export interface DesiredChange {
  readonly version: bigint;
  readonly regionId: string;
  /** Undefined: it has left its region since; the change that says so comes later. */
  readonly sentinel: DesiredSentinel | undefined;
}

/** Changes of some regions as one statement saw them. */
export interface ChangesRead {
  /** In order. */
  readonly changes: readonly DesiredChange[];
  /** Every change of these regions up to this version is contained. */
  readonly cursor: bigint;
  /** There are more after the cursor. */
  readonly more: boolean;
  /** The version asked for is older than what is kept, or of another history: a full sync is due, nothing was read. */
  readonly stale: boolean;
  /** Where the log stood: what was told of sentinels may be as new as that. */
  readonly standing: LogStanding;
}

/** How far somebody has been told of changes, and of which history. */
export interface ToldUpTo {
  readonly epoch: string;
  /** What was told of sentinels may be as new as this version. */
  readonly seen: bigint;
}

/** Sentinels as one statement saw them. */
export interface DesiredRead {
  readonly sentinels: readonly DesiredSentinel[];
  readonly standing: LogStanding;
}

const DESIRED = `
  s.id as sentinel_id, s.k8s_namespace, s.k8s_name, s.desired_state, s.image, s.desired_replicas,
  s.cpu_millicores, s.memory_mib, s.generation, s.deploy_number, s.observed_generation, s.observed_deploy_number`;

/** Where a sentinel is within its region. */
export interface Place {
  readonly k8sNamespace: string;
  readonly k8sName: string;
}

/** Sentinels of a region in the order of their places, after one of them. */
export async function readDesired(
  database: Database,
  page: { regionId: string; after: Place | undefined; limit: number },
): Promise<DesiredRead> {
  const { k8sNamespace = "", k8sName = "" } = page.after ?? {};
  const rows = await rowsOf<PageRow>(
    database,
    `select l.epoch, l.event_sequence, l.change_version, ${DESIRED}
       from rollout_log as l
       left join lateral (
         select * from sentinels
          where region_id = $1::text and (k8s_namespace, k8s_name) > ($2::text, $3::text)
          order by k8s_namespace, k8s_name limit $4::int
       ) as s on true
      order by s.k8s_namespace, s.k8s_name`,
    [page.regionId, k8sNamespace, k8sName, page.limit],
  );
  return { sentinels: rows.filter(isDesired).map(desiredFromRow), standing: standingFromRow(rows[0]) };
}

/**
 * What changed in some regions after a version. A change says which sentinel;
 * what is told of it is its row as it is now, which a later change may tell again.
 */
export async function readDesiredChanges(
  database: Database,
  page: { regionIds: readonly string[]; after: bigint; limit: number; told?: ToldUpTo | undefined },
): Promise<ChangesRead> {
  const { after, told } = page;
  const rows = await rowsOf<ChangeRow>(
    database,
    // Each region by its own stretch of the index. A place that a sentinel has left is told unless the sentinel is back
    // in it. `offset 0`: looked up one by one.
    `select l.epoch, l.event_sequence, l.change_version, l.oldest_change_version as oldest,
            reach.change_version as reach, c.version, c.region_id, ${DESIRED},
            case when c.deleted then c.sentinel_id end as left_id,
            c.k8s_namespace as left_namespace, c.k8s_name as left_name
       from rollout_log as l
       left join lateral (${selectEpochEnd("$4::text", "l")}) as reach on true
       left join lateral (
         select of_region.* from unnest($1::text[]) as wanted (region_id)
          cross join lateral (
            select version, region_id, sentinel_id, deleted, k8s_namespace, k8s_name from desired_changes
             where region_id = wanted.region_id and version > $2::bigint and $2::bigint >= l.oldest_change_version
             order by version limit $3::int
          ) as of_region
          order by version limit $3::int
       ) as c on true
       left join lateral (
         select * from sentinels
          where id = c.sentinel_id and region_id = c.region_id
            and (not c.deleted or (k8s_namespace = c.k8s_namespace and k8s_name = c.k8s_name)) offset 0
       ) as s on true
      order by c.version`,
    [page.regionIds, after.toString(), page.limit, told?.epoch ?? null],
  );
  const standing = standingFromRow(rows[0]);
  const latest = standing.changeVersion;
  const stale = after < BigInt(rows[0]?.oldest ?? 0) || after > latest || isOfAnotherHistory(told, rows[0]);
  if (stale) return { changes: [], cursor: latest, more: false, stale, standing };
  const changes = rows.flatMap(changeFromRow);
  const more = changes.length === page.limit;
  return { changes, cursor: (more && changes.at(-1)?.version) || latest, more, stale, standing };
}

function isOfAnotherHistory(told: ToldUpTo | undefined, row: ChangeRow | undefined): boolean {
  if (!told || !row) return false;
  return row.reach === null || told.seen > BigInt(row.reach);
}

/** Each sentinel once, as the last change of it says, in the order of the last changes. */
export function newestSentinels(changes: readonly DesiredChange[]): DesiredSentinel[] {
  const newest = new Map<string, DesiredSentinel>();
  for (const { sentinel } of changes) {
    if (!sentinel) continue;
    const place = `${sentinel.sentinelId} ${sentinel.k8sNamespace} ${sentinel.k8sName}`;
    newest.delete(place);
    newest.set(place, sentinel);
  }
  return [...newest.values()];
}

/** Where nothing has changed there is one row that tells of the log alone. */
function changeFromRow(row: ChangeRow): DesiredChange[] {
  const { version, region_id: regionId } = row;
  if (version === null || regionId === null) return [];
  return [{ version: BigInt(version), regionId, sentinel: isDesired(row) ? desiredFromRow(row) : leftFromRow(row) }];
}

function isDesired<Row extends PageRow>(row: Row): row is Row & DesiredRow {
  return row.sentinel_id !== null;
}

function desiredFromRow(row: DesiredRow): DesiredSentinel {
  return create(DesiredSentinelSchema, {
    sentinelId: row.sentinel_id,
    k8sNamespace: row.k8s_namespace,
    k8sName: row.k8s_name,
    desiredState: desiredStates.valueOf(row.desired_state),
    image: row.image,
    desiredReplicas: row.desired_replicas,
    cpuMillicores: row.cpu_millicores,
    memoryMib: row.memory_mib,
    generation: BigInt(row.generation),
    deployNumber: BigInt(row.deploy_number),
    observedGeneration: BigInt(row.observed_generation),
    observedDeployNumber: BigInt(row.observed_deploy_number),
  });
}

function leftFromRow(row: ChangeRow): DesiredSentinel | undefined {
  if (row.left_id === null) return undefined;
  return create(DesiredSentinelSchema, {
    sentinelId: row.left_id,
    k8sNamespace: row.left_namespace ?? "",
    k8sName: row.left_name ?? "",
    deleted: true,
  });
}
