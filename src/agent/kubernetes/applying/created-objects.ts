import type { V1DeploymentSpec, V1ObjectMeta } from "@kubernetes/client-node";
import type { DesiredSentinel } from "../../../gen/hydra/v1/cluster_pb.ts";
import { Annotation, SENTINEL_LABEL } from "../objects.ts";
import type { ApplierOptions } from "./applier-options.ts";
import { annotationsOf } from "./apply-plan.ts";
import { desiredReplicas, replicasBeforeStandby } from "./desired-replicas.ts";
import { FIELD_MANAGER } from "../field-ownership.ts";
import type { Kind } from "./kube-paths.ts";
import type { Plain } from "../plain.ts";
import { cpuQuantity, memoryQuantity } from "../quantity.ts";
import type { Manifest } from "./template/template.ts";

// Objects that hydra makes: how they are marked, and how they are known again.

const HYDRAS_LABELS = { "app.kubernetes.io/managed-by": "hydra", "app.kubernetes.io/component": "sentinel" };

/** Where a sentinel's objects are, and whose they are. */
export interface Owner {
  readonly sentinelId: string;
  /** Name of the sentinel's Deployment. */
  readonly name: string;
}

/** What to make for a sentinel; the Deployment is the last, so that one that is there has all that belongs to it. */
export function objectsFor(
  desired: DesiredSentinel,
  options: Pick<ApplierOptions, "template" | "container">,
): Manifest[] {
  const manifests = options.template.manifestsFor(desired).map((manifest) => marked(manifest, desired));
  return [
    ...manifests.filter(({ kind }) => kind !== "Deployment"),
    ...manifests.filter(({ kind }) => kind === "Deployment").map((it) => withValues(it, desired, options.container)),
  ];
}

/** Did hydra make it for this sentinel? */
export function isMadeFor({ sentinelId, name }: Owner, kind: Kind, metadata: V1ObjectMeta | undefined): boolean {
  const { labels, annotations, managedFields = [] } = metadata ?? {};
  return (
    labels?.[SENTINEL_LABEL] === sentinelId &&
    annotations?.[Annotation.CREATED] === "true" &&
    (kind === "Deployment" || annotations[Annotation.DEPLOYMENT] === name) &&
    managedFields.some(({ manager }) => manager === FIELD_MANAGER)
  );
}

function marked(manifest: Manifest, { sentinelId, k8sNamespace, k8sName }: DesiredSentinel): Manifest {
  const { labels, annotations } = manifest.metadata;
  const hydras = { [Annotation.CREATED]: "true", [Annotation.DEPLOYMENT]: k8sName };
  return {
    ...manifest,
    metadata: {
      ...manifest.metadata,
      namespace: k8sNamespace,
      labels: { ...labels, ...HYDRAS_LABELS, [SENTINEL_LABEL]: sentinelId },
      annotations: { ...annotations, ...hydras },
    },
  };
}

/** What hydra sets of a Deployment that is there, it sets of one that it makes. */
function withValues(manifest: Manifest, desired: DesiredSentinel, container: string): Manifest {
  const spec = manifest.spec as Plain<V1DeploymentSpec>;
  const known = { now: spec.replicas ?? 1, beforeStandby: undefined };
  const replicas = desiredReplicas(desired, known);
  const annotations = annotationsOf(desired, "", replicasBeforeStandby(desired, known));
  const podSpec = spec.template.spec;
  return {
    ...manifest,
    metadata: { ...manifest.metadata, annotations: { ...manifest.metadata.annotations, ...annotations } },
    spec: {
      ...spec,
      ...(replicas !== undefined && { replicas }),
      template: {
        ...spec.template,
        spec: {
          ...podSpec,
          containers: podSpec?.containers.map((one) =>
            one.name === container ? withContainerValues(one, desired) : one,
          ),
        },
      },
    },
  };
}

type Container = NonNullable<Plain<V1DeploymentSpec>["template"]["spec"]>["containers"][number];

function withContainerValues(container: Container, { image, cpuMillicores, memoryMib }: DesiredSentinel): Container {
  const amounts = {
    ...(cpuMillicores > 0 && { cpu: cpuQuantity(cpuMillicores) }),
    ...(memoryMib > 0 && { memory: memoryQuantity(memoryMib) }),
  };
  if (Object.keys(amounts).length === 0) return { ...container, image };
  const { requests, limits } = container.resources ?? {};
  const resources = { requests: { ...requests, ...amounts }, limits: { ...limits, ...amounts } };
  return { ...container, image, resources: { ...container.resources, ...resources } };
}
