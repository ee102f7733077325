import type { KubernetesListObject, V1Deployment, V1Service, V1ObjectMeta } from "@kubernetes/client-node";
import type { KubeClient } from "../kube-client.ts";
import { Annotation, type Place, SENTINEL_LABEL } from "../objects.ts";
import type { ApplierOptions } from "./applier-options.ts";
import { isMadeFor } from "./created-objects.ts";
import { FIELD_MANAGER, withoutHydra } from "../field-ownership.ts";
import { collectionPath, type Kind, objectPath } from "./kube-paths.ts";
import { isNotFound } from "./refusals.ts";

/**
 * Removes what hydra made for a sentinel, the Deployment last: while it is there
 * somebody can see that there is something left to do. A Deployment that hydra
 * did not make loses hydra's label and annotations and is otherwise left alone.
 *
 * @param deployment As it was just seen; undefined: there is none.
 * @throws KubeError, also where the Deployment has changed since it was seen.
 */
export async function removeFrom(
  place: Place,
  sentinelId: string,
  deployment: V1Deployment | undefined,
  { client, log }: ApplierOptions,
  signal: AbortSignal,
): Promise<void> {
  const owner = { sentinelId, name: place.name };
  for (const kind of ["Service", "PodDisruptionBudget"] as const) {
    for (const metadata of await labelled(client, kind, place.namespace, sentinelId, signal)) {
      if (isMadeFor(owner, kind, metadata)) await deleteObject(client, kind, metadata, signal);
    }
  }
  const metadata = deployment?.metadata;
  if (metadata?.labels?.[SENTINEL_LABEL] !== sentinelId || metadata.deletionTimestamp) return;
  if (isMadeFor(owner, "Deployment", metadata)) {
    await deleteObject(client, "Deployment", metadata, signal);
    log.info({ sentinelId, ...place }, "removed a sentinel's objects");
  } else {
    await takeMarksOff(client, metadata, signal);
    log.info({ sentinelId, ...place }, "let go of a Deployment that hydra did not create");
  }
}

async function labelled(
  client: KubeClient,
  kind: Kind,
  namespace: string,
  sentinelId: string,
  signal: AbortSignal,
): Promise<V1ObjectMeta[]> {
  const query = { labelSelector: `${SENTINEL_LABEL}=${sentinelId}` };
  const list = await client.request<KubernetesListObject<V1Service>>("GET", collectionPath(kind, namespace), {
    query,
    signal,
  });
  return list.items.flatMap(({ metadata }) => metadata ?? []);
}

/** This very object, not one that somebody has made in its place since. */
async function deleteObject(
  client: KubeClient,
  kind: Kind,
  { namespace = "", name = "", uid }: V1ObjectMeta,
  signal: AbortSignal,
): Promise<void> {
  const body = {
    apiVersion: "v1",
    kind: "DeleteOptions",
    preconditions: { uid },
    propagationPolicy: "Background",
  };
  try {
    await client.request("DELETE", objectPath(kind, { namespace, name }), { body, signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Together with hydra's record of what it set: the values stay, and are nobody's until somebody sets them. */
async function takeMarksOff(client: KubeClient, metadata: V1ObjectMeta, signal: AbortSignal): Promise<void> {
  const { namespace = "", name = "", resourceVersion, labels = {}, annotations = {}, managedFields = [] } = metadata;
  const remove = (path: string) => ({ op: "remove", path });
  await client.request("PATCH", objectPath("Deployment", { namespace, name }), {
    query: { fieldManager: FIELD_MANAGER },
    contentType: "application/json-patch+json",
    body: [
      { op: "replace", path: "/metadata/resourceVersion", value: resourceVersion },
      ...[SENTINEL_LABEL].filter((key) => key in labels).map((key) => remove(`/metadata/labels/${pointer(key)}`)),
      ...Object.values(Annotation)
        .filter((key) => key in annotations)
        .map((key) => remove(`/metadata/annotations/${pointer(key)}`)),
      { op: "replace", path: "/metadata/managedFields", value: withoutHydra(managedFields) },
    ],
    signal,
  });
}

/** A key within a JSON pointer. */
function pointer(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
