import { AppsV1Api, PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import { readKubeconfig } from "../kubeconfig.ts";

/** Changes a Deployment by hand, as `kubectl patch` does; `manager` goes on record for it. */
export async function patchDeployment(
  kubeconfig: string,
  place: { readonly namespace: string; readonly name: string },
  body: object,
  manager = "edit",
): Promise<void> {
  await readKubeconfig(kubeconfig)
    .makeApiClient(AppsV1Api)
    .patchNamespacedDeployment(
      { ...place, body, fieldManager: manager },
      setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch),
    );
}
