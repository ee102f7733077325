import PQueue from "p-queue";
import type { Applier } from "../applier.ts";
import { objectPath } from "../applying/kube-paths.ts";
import { isNotFound } from "../applying/refusals.ts";
import type { KubeClient } from "../kube-client.ts";
import type { Place } from "../objects.ts";
import type { Watching } from "../watching/start-watching.ts";
import type { Cluster } from "./cluster.ts";

/** Most that are asked at the same time: a whole namespace of Deployments may be deleted at once. */
const QUESTIONS = 5;

/** The cluster that is watched and written to. */
export function connectedCluster(
  client: KubeClient,
  { objects, upToDate }: Pick<Watching, "objects" | "upToDate">,
  applier: Applier,
): Cluster {
  const questions = new PQueue({ concurrency: QUESTIONS });
  return {
    objects,
    applier,
    upToDate,
    exists: (place, signal) => questions.add(() => exists(client, place, signal), { signal }),
  };
}

async function exists(client: KubeClient, place: Place, signal: AbortSignal): Promise<boolean> {
  try {
    await client.request("GET", objectPath("Deployment", place), { signal });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
