import { ExitCode } from "../../exit-codes.ts";
import { CommandError } from "../../failure.ts";
import { pages } from "../../listing/pages.ts";
import type { Session } from "../../session.ts";

/**
 * Compares a cluster with the one that hydra knows as the region; answers with
 * the other regions that are this cluster. One that is not known is not compared.
 *
 * @throws CommandError if the region is another cluster.
 */
export async function checkCluster(
  { client, interrupted }: Session,
  regionId: string,
  clusterUid: string | undefined,
): Promise<string[]> {
  const regions = pages(async (request) => {
    const page = await client.cluster.listClusters(request, { signal: interrupted });
    return { rows: page.clusters, nextPageToken: page.nextPageToken };
  });
  const same: string[] = [];
  for await (const clusters of regions) {
    for (const cluster of clusters) {
      const isSame = cluster.clusterUid !== "" && cluster.clusterUid === clusterUid;
      if (isSame && cluster.regionId !== regionId) same.push(cluster.regionId);
      if (cluster.regionId === regionId) refuseOther(regionId, cluster.clusterUid, clusterUid);
    }
  }
  return same;
}

function refuseOther(regionId: string, known: string, clusterUid: string | undefined): void {
  if (known === "" || clusterUid === undefined || known === clusterUid) return;
  throw new CommandError(
    `region ${regionId} is the cluster ${known}, and this is another one, ${clusterUid}. ` +
      "Name the right one with --region, or with --kubeconfig and --context.",
    ExitCode.ERROR,
  );
}
