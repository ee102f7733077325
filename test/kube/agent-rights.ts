import { readFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import path from "node:path";
import {
  CoreV1Api,
  KubernetesObjectApi,
  type KubernetesObject,
  loadAllYaml,
  PatchStrategy,
} from "@kubernetes/client-node";
import { readKubeconfig, writeKubeconfig } from "./kubeconfig.ts";

const MANIFESTS = path.join(import.meta.dirname, "../../deploy/agent");

/** What of the manifests gives the agent its rights. The agent itself is run by the tests. */
const RIGHTS = ["Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];

/** Long enough for any run. */
const TOKEN_SECONDS = 24 * 60 * 60;

type Manifest = KubernetesObject & { metadata: { name: string; namespace?: string } };

/** Applies what deploy/agent gives the agent, and writes a kubeconfig with a new token of it beside the administrator's. */
export async function createAgentKubeconfig(adminKubeconfig: string): Promise<string> {
  const admin = readKubeconfig(adminKubeconfig);
  const rights = agentManifests().filter(({ kind }) => RIGHTS.includes(kind ?? ""));
  await applyManifests(KubernetesObjectApi.makeApiClient(admin), rights);
  const account = rights.find(({ kind }) => kind === "ServiceAccount");
  if (!account) throw new Error(`${MANIFESTS} has no ServiceAccount`);
  const { name, namespace = "default" } = account.metadata;
  const { status } = await admin.makeApiClient(CoreV1Api).createNamespacedServiceAccountToken({
    name,
    namespace,
    body: { spec: { audiences: [], expirationSeconds: TOKEN_SECONDS } },
  });
  const file = path.join(await mkdtemp(path.join(path.dirname(adminKubeconfig), "agent-")), "kubeconfig");
  const cluster = admin.getCurrentCluster();
  await writeKubeconfig(file, {
    server: cluster?.server ?? "",
    certificate: Buffer.from(cluster?.caData ?? "", "base64").toString(),
    user: name,
    token: status?.token ?? "",
  });
  return file;
}

/** All that the kustomization lists, in its order. */
function agentManifests(): Manifest[] {
  const [kustomization] = loadAllYaml(readFileSync(path.join(MANIFESTS, "kustomization.yaml"), "utf8")) as [
    { resources: string[] },
  ];
  return kustomization.resources.flatMap((file) =>
    loadAllYaml(readFileSync(path.join(MANIFESTS, file), "utf8")).filter((manifest) => manifest !== null),
  ) as Manifest[];
}

async function applyManifests(api: KubernetesObjectApi, manifests: readonly Manifest[]): Promise<void> {
  for (const manifest of manifests)
    await api.patch(manifest, undefined, undefined, "test", true, PatchStrategy.ServerSideApply);
}
