import { DeployFailureClass, type DesiredSentinel } from "../../../gen/hydra/v1/cluster_pb.ts";
import { Annotation, SENTINEL_LABEL } from "../objects.ts";
import { specImage } from "./completion.ts";
import { byWhom } from "./drift.ts";
import type { DeployedSituation } from "./situation.ts";
import type { Trouble } from "./trouble.ts";

// Somebody else decides on what hydra should: as long as that is so, the deploy
// cannot converge, and what its pods do says nothing about it.

/** The first that there is. */
export function conflict(situation: DeployedSituation): Trouble | undefined {
  const reason = newerDeploy(situation) ?? imagePutBack(situation) ?? paused(situation) ?? fewerReplicas(situation);
  return reason === undefined ? undefined : { failureClass: DeployFailureClass.CONFLICT, reason };
}

/** It has the label of another sentinel now, as when two hydras are given the same Deployment. */
export function takenOver({ deployment, desired }: DeployedSituation): Trouble | undefined {
  const { sentinelId, k8sNamespace, k8sName } = desired;
  if (deployment.sentinelId === sentinelId) return undefined;
  const reason =
    `Deployment ${k8sNamespace}/${k8sName} is sentinel ${deployment.sentinelId}'s now, by its label ${SENTINEL_LABEL}: ` +
    `another hydra? To have it back for ${sentinelId}, stop the other one, then deploy again`;
  return { failureClass: DeployFailureClass.CONFLICT, reason };
}

/** `deployment NAME -n NAMESPACE`, for commands. */
export function deploymentFor({ k8sNamespace, k8sName }: DesiredSentinel): string {
  return `deployment ${k8sName} -n ${k8sNamespace}`;
}

/** Its database was lost, or there are two hydras. One that is behind for a moment sees this, too. */
function newerDeploy({ deployment, desired }: DeployedSituation): string | undefined {
  const { appliedDeploy, appliedGeneration } = deployment;
  if (appliedDeploy <= desired.deployNumber && appliedGeneration <= desired.generation) return undefined;
  return (
    `deploy ${appliedDeploy} of generation ${appliedGeneration} has been applied already, which this hydra does not know of ` +
    `(it is at deploy ${desired.deployNumber} of generation ${desired.generation}): another hydra, or an older database? ` +
    `To let this one decide: kubectl annotate ${deploymentFor(desired)} ${Annotation.DEPLOY}- ${Annotation.GENERATION}-`
  );
}

function imagePutBack(situation: DeployedSituation): string | undefined {
  const { deployment, desired, container } = situation;
  const image = specImage(situation);
  if (image === desired.image) return undefined;
  if (image === undefined) return `no container is named ${container} any more`;
  return `image is ${image} again, not ${desired.image}${byWhom(deployment.owners.image)}: stop whoever sets it, then deploy again`;
}

function paused({ deployment, desired }: DeployedSituation): string | undefined {
  if (!deployment.paused) return undefined;
  return `the Deployment is paused in the cluster: kubectl rollout resume ${deploymentFor(desired)}`;
}

/** hydra waits for as many as the sentinel's row names. */
function fewerReplicas({ deployment, desired, autoscaler }: DeployedSituation): string | undefined {
  const { replicas, owners } = deployment;
  if (replicas >= desired.desiredReplicas) return undefined;
  const wanted = `replicas is ${replicas}, not ${desired.desiredReplicas}`;
  if (!autoscaler) return `${wanted}${byWhom(owners.replicas)}`;
  return (
    `${wanted}: HorizontalPodAutoscaler ${autoscaler.name} decides on it ` +
    `(${autoscaler.minReplicas} to ${autoscaler.maxReplicas}); set the sentinel's desired_replicas to 0 to leave them to it`
  );
}
