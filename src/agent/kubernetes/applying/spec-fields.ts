import type { V1Container, V1Deployment } from "@kubernetes/client-node";
import type { DesiredSentinel } from "../../../gen/hydra/v1/cluster_pb.ts";
import { containerPath, type FieldPath, REPLICAS_PATH } from "../field-ownership.ts";
import { cpuQuantity, memoryQuantity, sameQuantity } from "../quantity.ts";

/** What hydra may set of a Deployment's spec; the rest is never touched. Resources are requests and limits alike. */
export interface SpecValues {
  readonly image?: string;
  readonly replicas?: number;
  readonly cpu?: string;
  readonly memory?: string;
}

/** One value that hydra is to set. */
export interface SpecField {
  readonly name: keyof SpecValues;
  /** As a person calls it. */
  readonly label: "image" | "replicas" | "resources";
  /** As the API server's record calls it. */
  readonly paths: readonly FieldPath[];
  readonly value: string | number;
  /** The Deployment has this value. */
  readonly isSo: boolean;
}

/** `replicas` undefined: they are left alone. */
export function specFields(
  desired: DesiredSentinel,
  replicas: number | undefined,
  deployment: V1Deployment,
  container: V1Container,
): SpecField[] {
  const fields: SpecField[] = [
    {
      name: "image",
      label: "image",
      paths: [containerPath(container.name, "f:image")],
      value: desired.image,
      isSo: container.image === desired.image,
    },
  ];
  if (replicas !== undefined) {
    const isSo = deployment.spec?.replicas === replicas;
    fields.push({ name: "replicas", label: "replicas", paths: [REPLICAS_PATH], value: replicas, isSo });
  }
  const { cpuMillicores, memoryMib } = desired;
  if (cpuMillicores > 0) fields.push(resourceField("cpu", cpuQuantity(cpuMillicores), container));
  if (memoryMib > 0) fields.push(resourceField("memory", memoryQuantity(memoryMib), container));
  return fields;
}

function resourceField(name: "cpu" | "memory", value: string, container: V1Container): SpecField {
  const { requests, limits } = container.resources ?? {};
  return {
    name,
    label: "resources",
    paths: [
      containerPath(container.name, "f:resources", "f:requests", `f:${name}`),
      containerPath(container.name, "f:resources", "f:limits", `f:${name}`),
    ],
    value,
    isSo: sameQuantity(requests?.[name], value) && sameQuantity(limits?.[name], value),
  };
}

/** As a spec of nothing else; undefined: no value at all. */
export function specOf(values: SpecValues, container: string): object | undefined {
  const { image, replicas, cpu, memory } = values;
  const amounts = { ...(cpu !== undefined && { cpu }), ...(memory !== undefined && { memory }) };
  const hasAmounts = cpu !== undefined || memory !== undefined;
  const ofContainer = {
    ...(image !== undefined && { image }),
    ...(hasAmounts && { resources: { requests: amounts, limits: amounts } }),
  };
  const hasContainer = image !== undefined || hasAmounts;
  if (!hasContainer && replicas === undefined) return undefined;
  return {
    ...(replicas !== undefined && { replicas }),
    ...(hasContainer && { template: { spec: { containers: [{ name: container, ...ofContainer }] } } }),
  };
}
