import type { V1ContainerStatus, V1Pod } from "@kubernetes/client-node";
import type { ContainerState, PodView } from "../objects.ts";
import { conditionsOf, identityOf, ownerOf, shortened } from "./object-meta.ts";

/** Field selector of pods: those that have ended, of jobs for one, say nothing about a Deployment. */
export const PODS_THAT_COUNT = "status.phase!=Succeeded,status.phase!=Failed";

/** What the agent keeps of a pod; undefined: no ReplicaSet has it. */
export function podView(pod: V1Pod): PodView | undefined {
  const ownerUid = ownerOf(pod, "ReplicaSet");
  if (ownerUid === undefined) return undefined;
  const { metadata, spec, status } = pod;
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  return {
    ...identityOf(pod),
    ownerUid,
    phase: status?.phase ?? "",
    terminating: metadata?.deletionTimestamp !== undefined,
    conditions: conditionsOf(status?.conditions),
    containers: containers.map(({ name, image = "" }) =>
      containerState(
        name,
        image,
        statuses.find((each) => each.name === name),
      ),
    ),
  };
}

/** The image is that of the spec: a node may report the same one by another name. */
function containerState(name: string, image: string, status: V1ContainerStatus | undefined): ContainerState {
  const waiting = status?.state?.waiting;
  const terminated = status?.state?.terminated ?? status?.lastState?.terminated;
  return {
    name,
    image,
    ready: status?.ready ?? false,
    restarts: status?.restartCount ?? 0,
    waiting: waiting && { reason: waiting.reason ?? "", message: shortened(waiting.message) },
    terminated: terminated && {
      exitCode: terminated.exitCode,
      reason: terminated.reason ?? "",
      message: shortened(terminated.message),
    },
  };
}
