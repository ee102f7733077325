import type { Situation } from "../convergence/index.ts";

/**
 * Why there is a report: the cluster's objects say so by themselves, or the same
 * objects say more than before, since a grace is over or the cluster has refused
 * what was to be applied. Agents that see the same tell the same order, and the
 * later of two reports on the same objects has the greater one.
 */
export const Stage = { SEEN: 0n, GRACE_OVER: 8n, REFUSED: 12n } as const;

const STAGES = 16n;

/** The order of a report, from the versions of the objects that were looked at; where there are none, from what is desired. */
export function reportOrder({ deployment, replicaSets, desired }: Situation, stage: bigint): bigint {
  let newest = deployment?.resourceVersion ?? desired.generation;
  for (const { view, pods } of replicaSets) {
    for (const { resourceVersion } of [view, ...pods]) if (resourceVersion > newest) newest = resourceVersion;
  }
  return newest * STAGES + stage;
}
