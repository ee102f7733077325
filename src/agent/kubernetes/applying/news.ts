import type { DesiredSentinel } from "../../../gen/hydra/v1/cluster_pb.ts";
import type { DeploymentView } from "../objects.ts";

/** What a Deployment says of itself has been applied to it. */
export type AppliedMark = Pick<DeploymentView, "sentinelId" | "appliedGeneration" | "appliedDeploy">;

/**
 * Is there something in `desired` that the Deployment has not been told? Whatever
 * else differs was changed by somebody since. A Deployment of another sentinel,
 * or of none, has been told nothing.
 */
export function isNews(desired: DesiredSentinel, applied: AppliedMark): boolean {
  return (
    applied.sentinelId !== desired.sentinelId ||
    desired.generation > applied.appliedGeneration ||
    desired.deployNumber > applied.appliedDeploy
  );
}
