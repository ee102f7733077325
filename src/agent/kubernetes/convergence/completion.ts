import { counts, type DeployedSituation, isReady } from "./situation.ts";

/** The cluster has begun to work on the spec as it is now. */
export function isObserved({ deployment }: DeployedSituation): boolean {
  return deployment.status.observedGeneration >= deployment.generation;
}

/** The spec as it is now is what runs: every replica is updated and available, and none of the old is left. */
export function isComplete(situation: DeployedSituation): boolean {
  const { replicas, status } = situation.deployment;
  return (
    isObserved(situation) &&
    status.updatedReplicas === replicas &&
    status.replicas === replicas &&
    status.availableReplicas >= replicas &&
    status.unavailableReplicas === 0
  );
}

/**
 * The image of all replicas that run; '' while they differ, and where none runs.
 * One that cannot start runs nothing, so that a bad image is never told.
 */
export function runningImage(situation: DeployedSituation): string {
  if (isComplete(situation)) return specImage(situation) ?? "";
  const running = situation.replicaSets.filter(({ pods }) => pods.some((pod) => counts(pod) && isReady(pod)));
  const images = new Set(running.map(({ view }) => view.images[situation.container] ?? ""));
  return images.size === 1 ? [...images][0]! : "";
}

/** Undefined: no container has the name. */
export function specImage({ deployment, container }: DeployedSituation): string | undefined {
  return deployment.containers.find(({ name }) => name === container)?.image;
}

/** As hydra itself judges a deploy by a report. */
export function isConverged(situation: DeployedSituation): boolean {
  const { deployment, desired } = situation;
  return (
    isComplete(situation) &&
    specImage(situation) === desired.image &&
    deployment.status.availableReplicas >= desired.desiredReplicas
  );
}
