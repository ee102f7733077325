import type { V2HorizontalPodAutoscalerList } from "@kubernetes/client-node";
import type { KubeClient } from "../kube-client.ts";
import type { Place } from "../objects.ts";
import { autoscalersPath } from "./kube-paths.ts";

/** Does a HorizontalPodAutoscaler decide on the Deployment's replicas? */
export async function hasAutoscaler(client: KubeClient, place: Place, signal: AbortSignal): Promise<boolean> {
  const list = await client.request<V2HorizontalPodAutoscalerList>("GET", autoscalersPath(place.namespace), { signal });
  return list.items.some(({ spec }) => {
    const target = spec?.scaleTargetRef;
    return target?.kind === "Deployment" && target.name === place.name;
  });
}
