import { AppsV1Api, PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import PQueue from "p-queue";
import { readKubeconfig } from "../../test/kube/kubeconfig.ts";

export interface ApplyLimits {
  readonly inFlight: number;
  readonly perSecond: number;
}

/** Deployments of a namespace. */
export interface DeploymentNames {
  readonly namespace: string;
  readonly names: readonly string[];
}

/** What a plain script does: patches Deployments, as many at once as the agent, and as many a second. */
export async function patchDeployments(
  kubeconfig: string,
  { namespace, names }: DeploymentNames,
  bodyOf: (name: string) => object,
  { inFlight, perSecond }: ApplyLimits,
): Promise<void> {
  const apps = readKubeconfig(kubeconfig).makeApiClient(AppsV1Api);
  const queue = new PQueue({ concurrency: inFlight, intervalCap: perSecond, interval: 1_000, strict: true });
  const options = setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch);
  const patch = (name: string) => apps.patchNamespacedDeployment({ namespace, name, body: bodyOf(name) }, options);
  await queue.addAll(names.map((name) => () => patch(name)));
}

/** Puts an image into the container that hydra knows. */
export function imagePatch(image: string): object {
  return { spec: { template: { spec: { containers: [{ name: "sentinel", image }] } } } };
}
