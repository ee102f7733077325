import { AppsV1Api, type V1Deployment } from "@kubernetes/client-node";
import PQueue from "p-queue";
import { readKubeconfig } from "./kubeconfig.ts";

const CONCURRENCY = 20;

export interface FleetOptions {
  readonly namespace: string;
  readonly image: string;
  /** Default 1. */
  readonly replicas?: number;
  /** Default `snt`, which makes `snt-001`, `snt-002`, …. */
  readonly prefix?: string;
  /** How the Deployment of a number (from 1) fails on an image with `-faulty`: a word of kube/stages.yaml. */
  readonly simulated?: (number: number) => string | undefined;
}

/** Creates Deployments as somebody has them who does not know hydra; answers with their names. Does not wait for pods. */
export async function createDeployments(kubeconfig: string, count: number, options: FleetOptions): Promise<string[]> {
  const apps = readKubeconfig(kubeconfig).makeApiClient(AppsV1Api);
  const queue = new PQueue({ concurrency: CONCURRENCY });
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  return queue.addAll(
    numbers.map((number) => async () => {
      const body = deploymentOf(number, options);
      await apps.createNamespacedDeployment({ namespace: options.namespace, body });
      return body.metadata.name;
    }),
  );
}

function deploymentOf(number: number, { image, replicas = 1, prefix = "snt", simulated }: FleetOptions) {
  const name = `${prefix}-${String(number).padStart(3, "0")}`;
  const fault = simulated?.(number);
  const labels = { app: name, ...(fault === undefined ? {} : { simulated: fault }) };
  return {
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels },
        // Nothing runs in them: they can go at once.
        spec: { terminationGracePeriodSeconds: 0, containers: [{ name: "sentinel", image }] },
      },
    },
  } satisfies V1Deployment;
}

/** A Deployment as the API server has it. */
export interface LiveDeployment {
  readonly name: string;
  /** Of the container `sentinel`. */
  readonly image: string | undefined;
  readonly replicas: number | undefined;
  readonly available: number;
  /** How often its pods have been made anew, from 1. */
  readonly revision: number;
}

/** All Deployments of a namespace, by name. */
export async function deploymentsIn(kubeconfig: string, namespace: string): Promise<LiveDeployment[]> {
  const apps = readKubeconfig(kubeconfig).makeApiClient(AppsV1Api);
  const { items } = await apps.listNamespacedDeployment({ namespace });
  return items.map(({ metadata, spec, status }) => ({
    name: metadata?.name ?? "",
    image: spec?.template.spec?.containers.find(({ name }) => name === "sentinel")?.image,
    replicas: spec?.replicas,
    available: status?.availableReplicas ?? 0,
    revision: Number(metadata?.annotations?.["deployment.kubernetes.io/revision"]),
  }));
}
