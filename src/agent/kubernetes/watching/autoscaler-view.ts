import type { V2HorizontalPodAutoscaler } from "@kubernetes/client-node";
import type { AutoscalerView, Place } from "../objects.ts";
import { identityOf } from "./object-meta.ts";

/** A HorizontalPodAutoscaler and the Deployment that it scales. */
export interface ScalingDeployment {
  readonly uid: string;
  readonly target: Place;
  readonly view: AutoscalerView;
}

/** What the agent keeps of one; undefined: it scales something else. */
export function autoscalerView(autoscaler: V2HorizontalPodAutoscaler): ScalingDeployment | undefined {
  const { namespace, name, uid } = identityOf(autoscaler);
  const { spec } = autoscaler;
  if (spec?.scaleTargetRef.kind !== "Deployment") return undefined;
  const { scaleTargetRef: target, minReplicas = 1, maxReplicas } = spec;
  return { uid, target: { namespace, name: target.name }, view: { namespace, name, minReplicas, maxReplicas } };
}
