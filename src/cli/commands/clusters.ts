import { type Cluster, ClusterSchema } from "../../gen/hydra/v1/cluster_pb.ts";
import { dateTimeOf } from "../date-time.ts";
import { ExitCode } from "../exit-codes.ts";
import { pages } from "../listing/pages.ts";
import { type Listing, showListing } from "../listing/show-listing.ts";
import type { Session } from "../session.ts";

export interface ClustersOptions {
  /** Undefined: all. */
  limit: number | undefined;
}

/** `hydra clusters`: by region. */
export async function clusters(session: Session, { limit }: ClustersOptions): Promise<ExitCode> {
  const { client, interrupted } = session;
  const found = pages(
    async (request) => {
      const page = await client.cluster.listClusters(request, { signal: interrupted });
      return { rows: page.clusters, nextPageToken: page.nextPageToken };
    },
    { limit },
  );
  await showListing(session, LISTING, found);
  return ExitCode.DONE;
}

const LISTING: Listing<typeof ClusterSchema> = {
  schema: ClusterSchema,
  columns: [
    { title: "REGION", value: ({ regionId }) => regionId, least: 12 },
    { title: "AGENTS", value: (cluster) => `${connected(cluster).length || "none"}`, align: "right" },
    { title: "VERSION", value: versionsOf, least: 6, rank: 6 },
    { title: "LAST SEEN", value: ({ lastSeenAt }) => dateTimeOf(lastSeenAt) || "never", rank: 4 },
    { title: "LAG", value: lagOf, align: "right", rank: 5 },
    { title: "SENTINELS", value: ({ sentinels }) => `${sentinels}`, align: "right" },
    { title: "READY", value: ({ ready }) => `${ready}`, align: "right", rank: 1 },
    { title: "PROGRESSING", value: ({ progressing }) => `${progressing}`, align: "right", rank: 3 },
    { title: "FAILED", value: ({ failed }) => `${failed}`, align: "right", rank: 1 },
    { title: "IDLE", value: ({ idle }) => `${idle}`, align: "right", rank: 7 },
    { title: "DRIFTED", value: ({ drifted }) => `${drifted}`, align: "right", rank: 2 },
    { title: "CLUSTER", value: ({ clusterUid }) => clusterUid, least: 8, rank: 8 },
  ],
  empty: "There are no clusters yet: no agent has come, and there are no sentinels.",
};

function connected({ agents }: Cluster): Cluster["agents"] {
  return agents.filter((agent) => agent.connected);
}

/** Of the agents that are connected; more than one during a rolling restart. */
function versionsOf(cluster: Cluster): string {
  return [...new Set(connected(cluster).map(({ version }) => version))].join(", ");
}

/** Of the agent that is furthest behind; empty where none has said. */
function lagOf(cluster: Cluster): string {
  const lags = connected(cluster).flatMap(({ lag }) => (lag === undefined ? [] : [Number(lag)]));
  return lags.length === 0 ? "" : `${Math.max(...lags)}`;
}
