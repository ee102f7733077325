import { defineEffect } from "../../engine/index.ts";

export interface TouchRegionRow {
  regionId: string;
  /** Uid of the cluster's namespace kube-system. */
  clusterUid: string;
  agentVersion: string;
}

export interface TouchRegionResult {
  /** The cluster that the region is. Another one than the agent's: refuse the agent. */
  clusterUid: string;
}

/** Notes that an agent of a region was here. The first one says which cluster the region is. */
export const touchRegion = defineEffect<TouchRegionRow, TouchRegionResult>({
  name: "touch_region",
  input: { regionId: "text", clusterUid: "text", agentVersion: "text" },
  output: { clusterUid: "text" },
  record: (row) => row.regionId,
  // In one order, so that two batches never wait for each other.
  sql: `
with told as materialized (
  select input.region_id, input.cluster_uid, input.agent_version, input.ord from $input order by input.region_id
),
touched as (
  insert into regions as r (region_id, cluster_uid, agent_version)
  select region_id, cluster_uid, agent_version from told
  on conflict (region_id) do update
     set agent_version = case when r.cluster_uid = excluded.cluster_uid then excluded.agent_version else r.agent_version end,
         last_seen_at = case when r.cluster_uid = excluded.cluster_uid then now() else r.last_seen_at end
  returning r.region_id, r.cluster_uid
)
select told.ord, touched.cluster_uid from touched join told on told.region_id = touched.region_id`,
});
