import { DeployFailureClass, type DesiredSentinel } from "../../../gen/hydra/v1/cluster_pb.ts";
import type { Observed } from "../../reporter.ts";
import type { Situation, Verdict } from "../convergence/index.ts";
import type { ClusterObjects, Place } from "../objects.ts";
import { reportOrder, Stage } from "./report-order.ts";

/** What to know for looking at any sentinel. */
export interface LookOptions {
  /** Container that hydra sets the image of. */
  readonly container: string;
  /** After this long hydra gives a deploy up; only for words. */
  readonly deployTimeoutMs: number;
}

/** What the cluster's objects say of a sentinel. */
export function lookAt(desired: DesiredSentinel, objects: ClusterObjects, options: LookOptions): Situation {
  const place = placeOf(desired);
  const deployment = objects.deployment(place);
  const replicaSets = deployment ? objects.replicaSetsOf(deployment.uid) : [];
  return {
    desired,
    ...options,
    deployment,
    unlabelled: false,
    replicaSets: replicaSets.map((view) => ({ view, pods: objects.podsOf(view.uid) })),
    autoscaler: objects.autoscalerOf(place),
  };
}

export function placeOf({ k8sNamespace, k8sName }: DesiredSentinel): Place {
  return { namespace: k8sNamespace, name: k8sName };
}

/** A verdict as a report. */
export function observedBy(
  verdict: Omit<Verdict, "memory">,
  situation: Situation,
  failedAt: (typeof Stage)[keyof typeof Stage],
): Observed {
  const { desired, deployment } = situation;
  const { failure, progress } = verdict;
  return {
    sentinelId: desired.sentinelId,
    deployNumber: desired.deployNumber,
    // Numbers of another life (N2) may be greater than any that there is to be observed.
    observedGeneration:
      verdict.observedGeneration < desired.generation ? verdict.observedGeneration : desired.generation,
    deploymentUid: deployment?.uid ?? "",
    reportOrder: reportOrder(situation, failure ? failedAt : Stage.SEEN),
    health: verdict.health,
    runningImage: verdict.runningImage,
    availableReplicas: verdict.availableReplicas,
    failureClass: failure?.failureClass ?? DeployFailureClass.UNSPECIFIED,
    reason: failure?.reason ?? progress,
    drift: verdict.drift,
    takenFrom: deployment?.takenFrom ?? "",
  };
}
