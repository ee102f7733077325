import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Cluster,
  ClusterSchema,
  type ConnectedAgent,
  ConnectedAgentSchema,
} from "../../gen/hydra/v1/cluster_pb.ts";
import { LONGEST_SILENCE } from "../silence.ts";
import { type Database, rowsOf } from "./database.ts";
import { inhabitedRegions } from "./inhabited-regions.ts";

/** Of one region, those seen last. */
const MOST_AGENTS = 100;

/** Times are in milliseconds since 1970. */
interface AgentRow {
  instance: string;
  version: string;
  connected: boolean;
  connected_at: number | null;
  last_seen_at: number;
  lag: number | null;
}

interface ClusterRow {
  region_id: string;
  cluster_uid: string | null;
  last_seen_at: Date | null;
  agents: AgentRow[];
  sentinels: number;
  progressing: number;
  ready: number;
  failed: number;
  idle: number;
  drifted: number;
}

/** Regions that an agent has come from, or that a sentinel is in, by id, after one of them. */
export async function readClusters(database: Database, page: { after: string; limit: number }): Promise<Cluster[]> {
  const rows = await rowsOf<ClusterRow>(database, CLUSTERS, [page.after, page.limit]);
  return rows.map(clusterFromRow);
}

// A change counts as untold if it was there when the agent's stream said how far it is: what came since may have been
// told by now.
const CLUSTERS = `
with recursive ${inhabitedRegions("$1::text")},
page as materialized (
  select region_id from (
    (select region_id from inhabited where region_id is not null limit $2::int)
    union
    (select region_id from regions where region_id > $1::text order by region_id limit $2::int)
  ) as either order by region_id limit $2::int
),
counted as (
  select region_id, count(*)::int as sentinels,
         (count(*) filter (where deploy_status = 'progressing'))::int as progressing,
         (count(*) filter (where deploy_status = 'ready'))::int as ready,
         (count(*) filter (where deploy_status = 'failed'))::int as failed,
         (count(*) filter (where deploy_status = 'idle'))::int as idle,
         (count(*) filter (where drift <> ''))::int as drifted
    from sentinels where region_id in (select region_id from page) group by region_id
)
select p.region_id, r.cluster_uid, r.last_seen_at, seen.agents,
       coalesce(c.sentinels, 0) as sentinels, coalesce(c.progressing, 0) as progressing, coalesce(c.ready, 0) as ready,
       coalesce(c.failed, 0) as failed, coalesce(c.idle, 0) as idle, coalesce(c.drifted, 0) as drifted
  from page as p
  left join regions as r on r.region_id = p.region_id
  left join counted as c on c.region_id = p.region_id
 cross join lateral (
   select coalesce(json_agg(json_build_object(
            'instance', a.instance, 'version', a.version, 'connected', a.connected,
            'connected_at', ${milliseconds("a.connected_at")},
            'last_seen_at', ${milliseconds("a.last_seen_at")},
            'lag', case when a.told_up_to is not null then
              (select count(*) from desired_changes as d
                where d.region_id = a.region_id and d.version > a.told_up_to and d.created_at <= a.told_at) end
          ) order by a.last_seen_at desc, a.instance), '[]') as agents
     from (select *, left_at is null and last_seen_at > now() - ${LONGEST_SILENCE} as connected
             from agents where region_id = p.region_id and last_seen_at > now() - interval '1 day'
            order by last_seen_at desc, instance limit ${MOST_AGENTS}) as a
 ) as seen
 order by p.region_id`;

function milliseconds(column: string): string {
  return `floor(extract(epoch from ${column}) * 1000)::bigint`;
}

function clusterFromRow({ region_id, cluster_uid, last_seen_at, agents, ...counts }: ClusterRow): Cluster {
  return create(ClusterSchema, {
    regionId: region_id,
    clusterUid: cluster_uid ?? "",
    agents: agents.map(agentFromRow),
    ...(last_seen_at && { lastSeenAt: timestampFromMs(last_seen_at.getTime()) }),
    ...counts,
  });
}

function agentFromRow({ instance, version, connected, connected_at, last_seen_at, lag }: AgentRow): ConnectedAgent {
  return create(ConnectedAgentSchema, {
    instance,
    version,
    connected,
    ...(connected_at !== null && { connectedAt: timestampFromMs(connected_at) }),
    lastSeenAt: timestampFromMs(last_seen_at),
    ...(lag !== null && { lag: BigInt(lag) }),
  });
}
