import type { Applier } from "../applier.ts";
import { objectPath } from "../applying/kube-paths.ts";
import { isNotFound } from "../applying/refusals.ts";
import type { KubeClient } from "../kube-client.ts";
import type { Watching } from "../watching/start-watching.ts";
import type { Cluster } from "./cluster.ts";

/** The cluster that is watched and written to. */
export function connectedCluster(
  client: KubeClient,
  { objects, upToDate }: Pick<Watching, "objects" | "upToDate">,
  applier: Applier,
): Cluster {
  return {
    objects,
    applier,
    upToDate,
    async exists(place, signal) {
      try {
        await client.request("GET", objectPath("Deployment", place), { signal });
        return true;
      } catch (error) {
        if (isNotFound(error)) return false;
        throw error;
      }
    },
  };
}
