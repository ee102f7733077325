import type { V1Container, V1Deployment, V1ManagedFieldsEntry } from "@kubernetes/client-node";
import { containerPath, lastOwnerOf, REPLICAS_PATH } from "./field-ownership.ts";
import { Annotation, type ContainerSpec, type DeploymentView, SENTINEL_LABEL } from "./objects.ts";
import { parseQuantity } from "./quantity.ts";
import { conditionsOf } from "./watching/object-meta.ts";

/** Where the Deployment controller writes which of its ReplicaSets is the newest. */
const REVISION = "deployment.kubernetes.io/revision";

/**
 * What hydra keeps of a Deployment as the API server answers with it.
 *
 * @param container Whose image's owner is of interest.
 */
export function deploymentView(deployment: V1Deployment, container: string): DeploymentView {
  const { metadata = {}, spec, status = {} } = deployment;
  const { labels = {}, annotations = {}, managedFields = [] } = metadata;
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name ?? "",
    uid: metadata.uid ?? "",
    resourceVersion: BigInt(metadata.resourceVersion ?? 0),
    generation: metadata.generation ?? 0,
    revision: Number(wholeNumber(annotations[REVISION])),
    sentinelId: labels[SENTINEL_LABEL],
    appliedGeneration: wholeNumber(annotations[Annotation.GENERATION]),
    appliedDeploy: wholeNumber(annotations[Annotation.DEPLOY]),
    appliedConfiguration: annotations[Annotation.CONFIGURATION],
    takenFrom: annotations[Annotation.TAKEN_FROM] ?? "",
    createdByHydra: annotations[Annotation.CREATED] === "true",
    terminating: metadata.deletionTimestamp !== undefined,
    paused: spec?.paused ?? false,
    replicas: spec?.replicas ?? 1,
    minReadySeconds: spec?.minReadySeconds ?? 0,
    progressDeadlineSeconds: spec?.progressDeadlineSeconds ?? 600,
    containers: (spec?.template.spec?.containers ?? []).map(containerSpec),
    owners: ownersOf(managedFields, container),
    status: {
      observedGeneration: status.observedGeneration ?? 0,
      replicas: status.replicas ?? 0,
      updatedReplicas: status.updatedReplicas ?? 0,
      readyReplicas: status.readyReplicas ?? 0,
      availableReplicas: status.availableReplicas ?? 0,
      unavailableReplicas: status.unavailableReplicas ?? 0,
      conditions: conditionsOf(status.conditions),
    },
  };
}

function containerSpec({ name, image = "", resources }: V1Container): ContainerSpec {
  const { cpu, memory } = resources?.requests ?? {};
  return {
    name,
    image,
    cpuMillicores: cpu === undefined ? undefined : Math.round(parseQuantity(cpu) * 1_000),
    memoryMib: memory === undefined ? undefined : Math.round(parseQuantity(memory) / 2 ** 20),
  };
}

function ownersOf(entries: readonly V1ManagedFieldsEntry[], container: string): DeploymentView["owners"] {
  const image = lastOwnerOf(entries, containerPath(container, "f:image"));
  const replicas = lastOwnerOf(entries, REPLICAS_PATH);
  return { ...(image !== undefined && { image }), ...(replicas !== undefined && { replicas }) };
}

/** What somebody has made of an annotation by hand says nothing has been applied. */
function wholeNumber(text: string | undefined): bigint {
  return text !== undefined && /^\d{1,18}$/.test(text) ? BigInt(text) : 0n;
}
