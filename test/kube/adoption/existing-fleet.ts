import { AppsV1Api, CoreV1Api } from "@kubernetes/client-node";
import { expect } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { createDeployments, deploymentsIn } from "../fleet.ts";
import { readKubeconfig } from "../kubeconfig.ts";
import { createNamespace } from "../namespace.ts";
import { patchDeployment } from "../rollouts/patch.ts";

export const V1 = "ghcr.io/acme/sentinel:v1";

/** Deployments of somebody who does not know hydra, all available. */
export interface ExistingFleet extends AsyncDisposable {
  readonly namespace: string;
  /** Puts labels on one, as `kubectl label` does. */
  label(name: string, labels: Readonly<Record<string, string>>): Promise<void>;
  /** What the API server has of them, their ReplicaSets and pods, to compare. */
  look(): Promise<Seen>;
}

export interface Seen {
  /** Uid, generation, version and spec, by name. */
  readonly deployments: Readonly<Record<string, { version: string; spec: unknown; labels: object }>>;
  readonly replicaSets: readonly string[];
  readonly pods: readonly string[];
}

/** `snt-001` and so on, with two replicas each. */
export async function createExistingFleet(kubeconfig: string, count: number): Promise<ExistingFleet> {
  await using owned = new AsyncDisposableStack();
  const { name: namespace } = owned.use(await createNamespace(kubeconfig));
  await createDeployments(kubeconfig, count, { namespace, image: V1, replicas: 2 });
  await eventually(
    async () => {
      for (const { available } of await deploymentsIn(kubeconfig, namespace)) expect(available).toBe(2);
    },
    { timeoutMs: 60_000 },
  );
  const ended = owned.move();
  return {
    namespace,
    label: (name, labels) => patchDeployment(kubeconfig, { namespace, name }, { metadata: { labels } }),
    look: () => look(kubeconfig, namespace),
    [Symbol.asyncDispose]: () => ended.disposeAsync(),
  };
}

async function look(kubeconfig: string, namespace: string): Promise<Seen> {
  const config = readKubeconfig(kubeconfig);
  const apps = config.makeApiClient(AppsV1Api);
  const [deployments, replicaSets, pods] = await Promise.all([
    apps.listNamespacedDeployment({ namespace }),
    apps.listNamespacedReplicaSet({ namespace }),
    config.makeApiClient(CoreV1Api).listNamespacedPod({ namespace }),
  ]);
  const seen = deployments.items.map(({ metadata, spec }) => {
    const { name = "", uid, generation, resourceVersion, labels = {} } = metadata ?? {};
    return [name, { version: `${uid} ${generation} ${resourceVersion}`, spec, labels }] as const;
  });
  return { deployments: Object.fromEntries(seen), replicaSets: namesOf(replicaSets.items), pods: namesOf(pods.items) };
}

function namesOf(objects: readonly { metadata?: { name?: string; uid?: string } }[]): string[] {
  return objects.map(({ metadata }) => `${metadata?.name} ${metadata?.uid}`).toSorted();
}
