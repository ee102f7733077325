/** How a command asks a cluster for Deployments; the command line itself speaks to no cluster. */
export interface ClusterDoor {
  find(which: WhichDeployments, signal: AbortSignal): Promise<FoundDeployments>;
  /** What applies where the command line does not say. */
  readonly defaults: { readonly regionId: string | undefined; readonly container: string };
}

export interface WhichDeployments {
  readonly kubeconfig?: string | undefined;
  /** Of the kubeconfig; undefined: its current one. */
  readonly context?: string | undefined;
  /** Undefined: all. */
  readonly namespace?: string | undefined;
  /** By label; undefined: all. */
  readonly selector?: string | undefined;
}

export interface FoundDeployments {
  /** Undefined: it could not be learnt. */
  readonly clusterUid: string | undefined;
  readonly deployments: readonly FoundDeployment[];
}

export interface FoundDeployment {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The sentinel that hydra has marked it as; undefined: it is not marked. */
  readonly sentinelId: string | undefined;
  readonly replicas: number;
  /** It is being deleted. */
  readonly terminating: boolean;
  readonly containers: readonly { readonly name: string; readonly image: string }[];
}

/** As people write a Deployment. */
export function placeText({ namespace, name }: Pick<FoundDeployment, "namespace" | "name">): string {
  return `${namespace}/${name}`;
}
