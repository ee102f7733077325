import type { V1ReplicaSet } from "@kubernetes/client-node";
import type { ReplicaSetView } from "../objects.ts";
import { identityOf, ownerOf } from "./object-meta.ts";

/** What the agent keeps of a ReplicaSet; undefined: no Deployment has it. */
export function replicaSetView(replicaSet: V1ReplicaSet): ReplicaSetView | undefined {
  const ownerUid = ownerOf(replicaSet, "Deployment");
  if (ownerUid === undefined) return undefined;
  const containers = replicaSet.spec?.template?.spec?.containers ?? [];
  return {
    ...identityOf(replicaSet),
    ownerUid,
    revision: Number(replicaSet.metadata?.annotations?.["deployment.kubernetes.io/revision"] ?? 0),
    replicas: replicaSet.spec?.replicas ?? 0,
    images: Object.fromEntries(containers.map(({ name, image = "" }) => [name, image])),
  };
}
