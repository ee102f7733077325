import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { V1Deployment } from "@kubernetes/client-node";
import type { Applied, Applier } from "../../../../src/agent/kubernetes/applier.ts";
import type { ApplierOptions } from "../../../../src/agent/kubernetes/applying/applier-options.ts";
import { createApplier } from "../../../../src/agent/kubernetes/applying/create-applier.ts";
import { readTemplate } from "../../../../src/agent/kubernetes/applying/template/template.ts";
import { connectToCluster } from "../../../../src/agent/kubernetes/connection/connect.ts";
import type { KubeClient } from "../../../../src/agent/kubernetes/kube-client.ts";
import { type DesiredSentinel, DesiredSentinelSchema } from "../../../../src/gen/hydra/v1/cluster_pb.ts";
import { SentinelDesiredState } from "../../../../src/gen/hydra/v1/sentinel_pb.ts";
import { borrowControlPlane } from "../../../kube/borrowing.ts";
import { createNamespace } from "../../../kube/namespace.ts";
import { quietLog } from "../../../support/quiet-log.ts";

/** A namespace of a real cluster, and what writes to it: with the agent's rights, and with an administrator's. */
export interface Sandbox extends AsyncDisposable {
  readonly namespace: string;
  /** With the agent's rights; what appliers use. */
  readonly client: KubeClient;
  /** The administrator, who is everybody else. */
  readonly others: KubeClient;
  /** What appliers have written, as `PATCH deployments/a`; a dry run is no write, nor is one that was refused. */
  readonly writes: string[];
  /** What appliers have logged, besides what is for debugging. */
  readonly logged: { readonly message: string }[];
  applier(options?: Partial<ApplierOptions>): Promise<Applier>;
  /** A sentinel named `a` that has been deployed once, unless said otherwise. */
  desired(differences?: Differences): DesiredSentinel;
}

type Differences = MessageInitShape<typeof DesiredSentinelSchema>;

export const { signal } = new AbortController();

export async function openSandbox(): Promise<Sandbox> {
  const closing = new AsyncDisposableStack();
  const { kubeconfig, agentKubeconfig } = await borrowControlPlane("east");
  const connect = async (kubeconfigFile: string) => {
    const connection = await connectToCluster({ kubeconfigFile, log: quietLog, signal });
    closing.defer(() => connection.close());
    return connection.client;
  };
  const others = await connect(kubeconfig);
  const writes: string[] = [];
  const client = recording(await connect(agentKubeconfig), writes);
  const namespace = closing.use(await createNamespace(kubeconfig)).name;
  const logged: { message: string }[] = [];
  const tell = (fields: object, message: string) => void logged.push({ ...fields, message });
  const log = { debug() {}, info: tell, warn: tell, error: tell };
  return {
    namespace,
    client,
    others,
    writes,
    logged,
    applier: async (options) =>
      createApplier({
        client,
        container: "sentinel",
        force: true,
        createNamespaces: false,
        log,
        template: await readTemplate(undefined, "sentinel"),
        ...options,
      }),
    desired: (differences) => desiredIn(namespace, differences),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

function desiredIn(namespace: string, differences: Differences = {}): DesiredSentinel {
  return create(DesiredSentinelSchema, {
    sentinelId: "snt_1",
    k8sNamespace: namespace,
    k8sName: "a",
    desiredState: SentinelDesiredState.RUNNING,
    image: "example.com/sentinel:2",
    generation: 2n,
    deployNumber: 1n,
    ...differences,
  });
}

function recording(client: KubeClient, writes: string[]): KubeClient {
  return {
    async request<T>(...[method, path, options]: Parameters<KubeClient["request"]>): Promise<T> {
      const answer = await client.request<T>(method, path, options);
      const isWrite = method !== "GET" && options?.query?.["dryRun"] === undefined;
      if (isWrite) writes.push(`${method} ${path.replace(/.*\/namespaces\/[^/]+\//, "")}`);
      return answer;
    },
  };
}

/** A Deployment with a sidecar, made by somebody who is called `argocd`. */
export async function makeDeployment({ others, namespace }: Sandbox, differences: object = {}): Promise<V1Deployment> {
  const body = {
    metadata: { name: "a", labels: { team: "edge" }, annotations: { "example.com/owner": "edge" } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: "a" } },
      template: {
        metadata: { labels: { app: "a" } },
        spec: {
          containers: [
            { name: "proxy", image: "example.com/proxy:7" },
            { name: "sentinel", image: "example.com/sentinel:1", env: [{ name: "LEVEL", value: "info" }] },
          ],
        },
      },
      ...differences,
    },
  };
  return others.request("POST", deploymentsPath(namespace), { query: { fieldManager: "argocd" }, body });
}

export function readDeployment({ others, namespace }: Sandbox, name = "a"): Promise<V1Deployment> {
  return others.request("GET", `${deploymentsPath(namespace)}/${name}`);
}

/** One that scales the Deployment, between 1 and 3 replicas. */
export async function makeAutoscaler({ others, namespace }: Sandbox): Promise<void> {
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "a" };
  await others.request("POST", `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`, {
    body: { metadata: { name: "a" }, spec: { minReplicas: 1, maxReplicas: 3, scaleTargetRef } },
  });
}

/** A change by hand. */
export function edit({ others, namespace }: Sandbox, body: object, manager = "kubectl-edit"): Promise<V1Deployment> {
  return others.request("PATCH", `${deploymentsPath(namespace)}/a`, {
    query: { fieldManager: manager },
    contentType: "application/strategic-merge-patch+json",
    body,
  });
}

export function deploymentsPath(namespace: string): string {
  return `/apis/apps/v1/namespaces/${namespace}/deployments`;
}

export function sentinelOf(deployment: V1Deployment) {
  const container = deployment.spec?.template.spec?.containers.find(({ name }) => name === "sentinel");
  if (!container) throw new Error("there is no container sentinel");
  return container;
}

/** Who is on record for a field, as `hydra Apply`; for example `f:spec`, `f:replicas`. */
export function recordedFor(deployment: V1Deployment, ...path: string[]): string[] {
  const entries = deployment.metadata?.managedFields ?? [];
  return entries.flatMap(({ manager, operation, fieldsV1 }) => {
    const field = path.reduce<unknown>((tree, key) => (tree as Record<string, unknown> | undefined)?.[key], fieldsV1);
    return field === undefined ? [] : [`${manager} ${operation}`];
  });
}

export function reasonOf(applied: Applied): string {
  return applied.kind === "refused" ? applied.failure.reason : "";
}
