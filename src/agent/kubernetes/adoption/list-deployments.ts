import type { V1Deployment } from "@kubernetes/client-node";
import type { AgentLog } from "../../agent-log.ts";
import type { ClusterChoice } from "../agent-options.ts";
import { connectToCluster } from "../connection/connect.ts";
import { type KubeClient, KubeError } from "../kube-client.ts";
import { type Place, SENTINEL_LABEL } from "../objects.ts";
import { listPages } from "../watching/list-pages.ts";

/** Somebody waits at a terminal: an API server that is not there is not tried for as long as by an agent. */
const PATIENCE_MS = 3_000;

export interface ListDeploymentsOptions {
  readonly cluster: ClusterChoice;
  /** Undefined: in all namespaces. */
  readonly namespace?: string | undefined;
  /** By label, as kubectl has it. Undefined: all. */
  readonly selector?: string | undefined;
  readonly log: AgentLog;
  /** Ends the listing. */
  readonly signal: AbortSignal;
}

/** What a cluster has that could be sentinels. */
export interface ListedDeployments {
  /** Of the namespace kube-system, as agents name their cluster; undefined: these credentials may not read it. */
  readonly clusterUid: string | undefined;
  readonly deployments: readonly ListedDeployment[];
}

export interface ListedDeployment extends Place {
  readonly labels: Readonly<Record<string, string>>;
  /** The sentinel that hydra has marked it as; undefined: it is not marked. */
  readonly sentinelId: string | undefined;
  /** As the spec has it. */
  readonly replicas: number;
  /** Somebody has asked for its deletion. */
  readonly terminating: boolean;
  /** Of its pod template, in order. */
  readonly containers: readonly { readonly name: string; readonly image: string }[];
}

/**
 * Lists Deployments, and changes nothing.
 *
 * @throws a sentence about the kubeconfig that a person has to correct.
 * @throws KubeError with the API server's words.
 */
export async function listDeployments(options: ListDeploymentsOptions): Promise<ListedDeployments> {
  const { cluster, namespace, selector, log, signal } = options;
  const connection = await connectToCluster({ ...cluster, log, signal });
  const client = withPatience(connection.client);
  const within = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  const deployments: ListedDeployment[] = [];
  try {
    await listPages<V1Deployment>(
      client,
      `/apis/apps/v1${within}/deployments`,
      { labelSelector: selector, signal },
      (deployment) => void deployments.push(listed(deployment)),
    );
    return { clusterUid: await uidOf(client, signal), deployments };
  } finally {
    await connection.close();
  }
}

function withPatience(client: KubeClient): KubeClient {
  return {
    request: (method, path, options) => client.request(method, path, { patienceMs: PATIENCE_MS, ...options }),
  };
}

async function uidOf(client: KubeClient, signal: AbortSignal): Promise<string | undefined> {
  try {
    const path = "/api/v1/namespaces/kube-system";
    const { metadata } = await client.request<{ metadata: { uid: string } }>("GET", path, { signal });
    return metadata.uid;
  } catch (error) {
    if (error instanceof KubeError && error.status === 403) return undefined;
    throw error;
  }
}

function listed({ metadata = {}, spec }: V1Deployment): ListedDeployment {
  const { namespace = "", name = "", labels = {}, deletionTimestamp } = metadata;
  return {
    namespace,
    name,
    labels,
    sentinelId: labels[SENTINEL_LABEL],
    replicas: spec?.replicas ?? 1,
    terminating: deletionTimestamp !== undefined,
    containers: (spec?.template.spec?.containers ?? []).map(({ name: container, image = "" }) => ({
      name: container,
      image,
    })),
  };
}
