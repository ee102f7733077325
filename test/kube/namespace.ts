import { randomBytes } from "node:crypto";
import { CoreV1Api } from "@kubernetes/client-node";
import { eventually } from "../support/eventually.ts";
import { readKubeconfig } from "./kubeconfig.ts";

/** A namespace that is deleted, with all that is in it, at the end of its scope. */
export interface TestNamespace extends AsyncDisposable {
  readonly name: string;
}

/** Makes a namespace with a new name, in which Deployments can run at once. */
export async function createNamespace(kubeconfig: string): Promise<TestNamespace> {
  const core = readKubeconfig(kubeconfig).makeApiClient(CoreV1Api);
  const name = `test-${randomBytes(4).toString("hex")}`;
  await core.createNamespace({ body: { metadata: { name } } });
  // Pods are refused before it is there.
  await eventually(() => core.readNamespacedServiceAccount({ namespace: name, name: "default" }));
  return {
    name,
    // The namespace controller does the rest by itself.
    [Symbol.asyncDispose]: async () => void (await core.deleteNamespace({ name }).catch(ignoreMissing)),
  };
}

function ignoreMissing(error: { code?: number }): void {
  if (error.code !== 404 && error.code !== 409) throw error;
}
