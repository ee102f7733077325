import type { DesiredSentinel } from "../../../gen/hydra/v1/cluster_pb.ts";
import type { AutoscalerView, DeploymentView, PodView, ReplicaSetView } from "../objects.ts";

/** What is known of one sentinel at one moment. */
export interface Situation {
  readonly desired: DesiredSentinel;
  /** Container that hydra sets the image of. */
  readonly container: string;
  /** Undefined: there is none with the sentinel label. */
  readonly deployment: DeploymentView | undefined;
  /** There is one in its place after all, which has lost the label. */
  readonly unlabelled: boolean;
  readonly replicaSets: readonly ReplicaSetSituation[];
  readonly autoscaler: AutoscalerView | undefined;
  /** After this long hydra gives a deploy up; only for words. */
  readonly deployTimeoutMs: number;
}

export interface ReplicaSetSituation {
  readonly view: ReplicaSetView;
  readonly pods: readonly PodView[];
}

/** One whose Deployment is there. */
export type DeployedSituation = Situation & { readonly deployment: DeploymentView };

export function hasDeployment(situation: Situation): situation is DeployedSituation {
  return situation.deployment !== undefined;
}

/**
 * The ReplicaSet that the spec asks for now; undefined while it is not known.
 * One that gets the newest revision again has it before the Deployment says so.
 */
export function newestReplicaSet({ deployment, replicaSets }: DeployedSituation): ReplicaSetSituation | undefined {
  const revision = Math.max(deployment.revision, ...replicaSets.map(({ view }) => view.revision));
  return replicaSets.find(({ view }) => view.revision === revision);
}

/** Its pods that count, by name. */
export function newestPods(situation: DeployedSituation): readonly PodView[] {
  const pods = newestReplicaSet(situation)?.pods ?? [];
  return pods.filter(counts).toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

/** One that is going, or has ended and is replaced by another, says nothing about the deploy. */
export function counts({ terminating, phase }: PodView): boolean {
  return !terminating && phase !== "Failed" && phase !== "Succeeded";
}

export function isReady({ conditions }: PodView): boolean {
  return conditions.some(({ type, status }) => type === "Ready" && status === "True");
}
