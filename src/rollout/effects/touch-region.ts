import { defineEffect } from "../../engine/index.ts";

export interface TouchRegionRow {
  regionId: string;
  /** Uid of the cluster's namespace kube-system. */
  clusterUid: string;
  agentVersion: string;
  /** Names this run of the agent within the region; may be empty. */
  instance: string;
  /** The stream of desired state that tells of itself. Empty: the agent was heard of by something else. */
  stream: string;
  /** The stream begins just now: what other streams of this agent say counts no longer. */
  begins: boolean;
  /** The agent has been told every change up to this version; null: it is being told everything. */
  toldUpTo: number | null;
}

export interface TouchRegionResult {
  /** The cluster that the region is. Another one than the agent's: refuse the agent. */
  clusterUid: string;
}

// Which stream of an agent counts: the one that was opened last. Where that one has left another that is still open
// counts again, for agents without a name share a row; what comes late of one that has left does not bring it back.
const TAKES_OVER = `(excluded.stream <> '' and (excluded.connected_at is not null or a.stream = ''
                      or a.left_at is not null and a.stream <> excluded.stream))`;
const SPEAKS = `(${TAKES_OVER} or excluded.stream <> '' and a.stream = excluded.stream)`;

/** Notes that an agent of a region was here, and how far it has come. The first one says which cluster the region is. */
export const touchRegion = defineEffect<TouchRegionRow, TouchRegionResult>({
  name: "touch_region",
  input: {
    regionId: "text",
    clusterUid: "text",
    agentVersion: "text",
    instance: "text",
    stream: "text",
    begins: "bool",
    toldUpTo: "int8",
  },
  output: { clusterUid: "text" },
  record: (row) => row.regionId,
  // In one order, so that two batches never wait for each other.
  sql: `
with told as materialized (
  select input.* from $input order by input.region_id
),
touched as (
  insert into regions as r (region_id, cluster_uid, agent_version)
  select region_id, cluster_uid, agent_version from told
  on conflict (region_id) do update
     set agent_version = case when r.cluster_uid = excluded.cluster_uid then excluded.agent_version else r.agent_version end,
         last_seen_at = case when r.cluster_uid = excluded.cluster_uid then now() else r.last_seen_at end
  returning r.region_id, r.cluster_uid
),
known as materialized (
  select told.*, touched.cluster_uid as registered_uid from touched join told on told.region_id = touched.region_id
),
noted as (
  insert into agents as a (region_id, instance, version, stream, connected_at, told_up_to, told_at)
  select region_id, instance, agent_version, stream, case when begins then now() end, told_up_to,
         case when stream <> '' then now() end
    from known where cluster_uid = registered_uid
  on conflict (region_id, instance) do update
     set version = excluded.version, last_seen_at = now(),
         stream = case when ${TAKES_OVER} then excluded.stream else a.stream end,
         connected_at = case when ${TAKES_OVER} then now() else a.connected_at end,
         left_at = case when ${TAKES_OVER} then null else a.left_at end,
         told_up_to = case when ${SPEAKS} then excluded.told_up_to else a.told_up_to end,
         told_at = case when ${SPEAKS} then now() else a.told_at end
)
select ord, registered_uid from known`,
});
