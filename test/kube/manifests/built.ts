import path from "node:path";
import type { KubernetesObject, V1ConfigMap, V1Deployment } from "@kubernetes/client-node";
import { loadAllYaml } from "@kubernetes/client-node";
import { kubectl } from "../kubectl.ts";

const DEPLOY = path.join(import.meta.dirname, "../../../deploy");

/** What `kubectl kustomize` makes of a folder of deploy/. */
export interface Built {
  readonly yaml: string;
  /** `Kind name`, sorted. */
  readonly names: readonly string[];
  readonly deployment: V1Deployment;
  /** Settings of the agent's container, as its pod would have them. */
  readonly settings: Readonly<Record<string, string>>;
}

export async function buildManifests(folder: "agent" | "agent-example"): Promise<Built> {
  const { stdout: yaml } = await kubectl(["kustomize", path.join(DEPLOY, folder)]);
  const objects = loadAllYaml(yaml) as KubernetesObject[];
  const deployment = only<V1Deployment>(objects, "Deployment");
  const [container] = deployment.spec?.template.spec?.containers ?? [];
  const configMap = only<V1ConfigMap>(objects, "ConfigMap");
  const named = container?.envFrom?.map(({ configMapRef }) => configMapRef?.name);
  if (named?.join() !== configMap.metadata?.name) throw new Error(`the pod takes settings from ${named?.join()}`);
  const own = (container?.env ?? []).map(({ name, value }) => [name, value ?? ""] as const);
  return {
    yaml,
    names: objects.map(nameOf).toSorted(),
    deployment,
    settings: { ...configMap.data, ...Object.fromEntries(own) },
  };
}

function only<T extends KubernetesObject>(objects: readonly KubernetesObject[], kind: string): T {
  const [one, ...more] = objects.filter((object) => object.kind === kind);
  if (!one || more.length > 0) throw new Error(`there are ${more.length + (one ? 1 : 0)} objects of kind ${kind}`);
  return one as T;
}

/** That of a ConfigMap is generated, and ends with a hash of its content. */
function nameOf({ kind, metadata: { name = "" } = {} }: KubernetesObject): string {
  return `${kind} ${kind === "ConfigMap" ? name.replace(/-[a-z0-9]{10}$/, "") : name}`;
}
