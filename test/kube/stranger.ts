import path from "node:path";
import { CoreV1Api, RbacAuthorizationV1Api } from "@kubernetes/client-node";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { readKubeconfig, writeKubeconfig } from "./kubeconfig.ts";

/** Somebody whom the cluster knows and lets do nothing. */
export interface Stranger extends AsyncDisposable {
  readonly kubeconfig: string;
  /** From now on the stranger may do what the agent may. */
  grantRights(): Promise<void>;
}

/** One who lives in this namespace. */
export async function createStranger(adminKubeconfig: string, namespace: string): Promise<Stranger> {
  await using owned = new AsyncDisposableStack();
  const directory = owned.use(await createTemporaryDirectory());
  const admin = readKubeconfig(adminKubeconfig);
  const core = admin.makeApiClient(CoreV1Api);
  const rbac = admin.makeApiClient(RbacAuthorizationV1Api);
  await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: "stranger" } } });
  const body = { spec: { audiences: [], expirationSeconds: 3_600 } };
  const { status } = await core.createNamespacedServiceAccountToken({ namespace, name: "stranger", body });
  const cluster = admin.getCurrentCluster();
  const kubeconfig = path.join(directory.path, "kubeconfig");
  await writeKubeconfig(kubeconfig, {
    server: cluster?.server ?? "",
    certificate: Buffer.from(cluster?.caData ?? "", "base64").toString(),
    user: "stranger",
    token: status?.token ?? "",
  });
  const ended = owned.move();
  return {
    kubeconfig,
    async grantRights() {
      const subjects = [{ kind: "ServiceAccount", name: "stranger", namespace }];
      const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "hydra-agent" };
      await rbac.createClusterRoleBinding({ body: { metadata: { name: namespace }, subjects, roleRef } });
      ended.defer(async () => void (await rbac.deleteClusterRoleBinding({ name: namespace })));
    },
    [Symbol.asyncDispose]: () => ended.disposeAsync(),
  };
}
