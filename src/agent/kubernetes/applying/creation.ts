import type { V1Deployment } from "@kubernetes/client-node";
import type { DesiredSentinel } from "../../../gen/hydra/v1/cluster_pb.ts";
import type { ApplierOptions } from "./applier-options.ts";
import { objectsFor } from "./created-objects.ts";
import { FIELD_MANAGER } from "../field-ownership.ts";
import { collectionPath, NAMESPACES_PATH } from "./kube-paths.ts";
import { isAlreadyThere, isNamespaceMissing } from "./refusals.ts";
import type { Manifest } from "./template/template.ts";

/**
 * Makes what a sentinel without a Deployment gets. First the API server is asked
 * whether it would take all of it, so that a refusal leaves nothing behind.
 *
 * @throws KubeError; one that says that it is there already: somebody was faster.
 */
export async function createFor(
  desired: DesiredSentinel,
  options: ApplierOptions,
  signal: AbortSignal,
): Promise<V1Deployment> {
  const { createNamespaces, log } = options;
  const namespace = desired.k8sNamespace;
  const objects = objectsFor(desired, options);
  const rehearse = () => post(objects, namespace, options, { dryRun: "All" }, signal);
  try {
    await rehearse();
  } catch (error) {
    if (!createNamespaces || !isNamespaceMissing(error)) throw error;
    await createNamespace(namespace, options, signal);
    await rehearse();
  }
  const deployment = await post(objects, namespace, options, {}, signal);
  const kinds = objects.map(({ kind }) => kind).join(", ");
  log.info({ sentinelId: desired.sentinelId, namespace, name: desired.k8sName, kinds }, "created a sentinel's objects");
  return deployment;
}

/** Answers with the Deployment. Whatever else is there already is left as it is. */
async function post(
  objects: readonly Manifest[],
  namespace: string,
  { client, log }: ApplierOptions,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<V1Deployment> {
  let deployment: V1Deployment = {};
  for (const body of objects) {
    try {
      const created = await client.request<object>("POST", collectionPath(body.kind, namespace), {
        // Strict: a field that the API server does not know is a refusal, not silence.
        query: { fieldManager: FIELD_MANAGER, fieldValidation: "Strict", ...query },
        body,
        signal,
      });
      if (body.kind === "Deployment") deployment = created;
    } catch (error) {
      if (body.kind === "Deployment" || !isAlreadyThere(error)) throw error;
      log.debug({ kind: body.kind, namespace, name: body.metadata.name }, "is there already, left as it is");
    }
  }
  return deployment;
}

/** Nobody's work is in a namespace that was not there, but somebody's may be soon: hydra never deletes one. */
async function createNamespace(name: string, { client, log }: ApplierOptions, signal: AbortSignal): Promise<void> {
  const labels = { "app.kubernetes.io/managed-by": "hydra" };
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
  try {
    await client.request("POST", NAMESPACES_PATH, { query: { fieldManager: FIELD_MANAGER }, body, signal });
    log.info({ namespace: name }, "created a namespace");
  } catch (error) {
    if (!isAlreadyThere(error)) throw error;
  }
}
