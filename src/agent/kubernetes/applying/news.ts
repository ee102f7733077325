import { createHash } from "node:crypto";
import type { DesiredSentinel } from "../../../gen/hydra/v1/cluster_pb.ts";
import type { DeploymentView } from "../objects.ts";

// What is new, by the numbers that a Deployment carries.
//
//   N1. Numbers of a sentinel only grow, so something is new exactly if one of them is greater than the Deployment's.
//   N2. Where the Deployment's are greater, or the same for another configuration, one of two is true: what is desired
//       is old, and this agent is yet to hear what another one has applied; or the numbers have begun anew, because
//       the sentinel was removed and imported again, or hydra's database was restored from a backup.
//   N3. It is the latter once hydra has said the same to a question that was asked after those numbers were seen.
//       Then they count for nothing.

/** What a Deployment says of itself has been applied to it. */
export type AppliedMark = Pick<
  DeploymentView,
  "sentinelId" | "appliedGeneration" | "appliedDeploy" | "appliedConfiguration"
>;

/**
 * Is there something in `desired` that the Deployment has not been told (N1)?
 * Whatever else differs was changed by somebody since. A Deployment of another
 * sentinel, or of none, has been told nothing.
 */
export function isNews(desired: DesiredSentinel, applied: AppliedMark): boolean {
  return (
    applied.sentinelId !== desired.sentinelId ||
    desired.generation > applied.appliedGeneration ||
    desired.deployNumber > applied.appliedDeploy
  );
}

/** Can `desired` not have come after what the Deployment has been told (N2)? */
export function contradicts(desired: DesiredSentinel, applied: AppliedMark): boolean {
  if (isNews(desired, applied)) return false;
  return (
    desired.generation < applied.appliedGeneration ||
    desired.deployNumber < applied.appliedDeploy ||
    (applied.appliedConfiguration ?? configurationOf(desired)) !== configurationOf(desired)
  );
}

export function isSameMark(one: AppliedMark, other: AppliedMark): boolean {
  return (
    one.sentinelId === other.sentinelId &&
    one.appliedGeneration === other.appliedGeneration &&
    one.appliedDeploy === other.appliedDeploy &&
    one.appliedConfiguration === other.appliedConfiguration
  );
}

/** Each message is looked at again with every change of its Deployment, and never changes itself. */
const digests = new WeakMap<DesiredSentinel, string>();

/** Digest of all that makes a generation. */
export function configurationOf(desired: DesiredSentinel): string {
  let digest = digests.get(desired);
  if (digest === undefined) digests.set(desired, (digest = digestOf(desired)));
  return digest;
}

function digestOf(desired: DesiredSentinel): string {
  const { image, desiredState, desiredReplicas, cpuMillicores, memoryMib } = desired;
  const content = JSON.stringify([image, desiredState, desiredReplicas, cpuMillicores, memoryMib]);
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}
