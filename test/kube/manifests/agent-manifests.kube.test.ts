import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { AuthorizationV1Api, CoreV1Api, type V1PodSpec, type V1ResourceAttributes } from "@kubernetes/client-node";
import { describe, expect, test } from "vitest";
import type { Plain } from "../../../src/agent/kubernetes/plain.ts";
import { loadConfig, settings } from "../../../src/config/index.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { borrowControlPlane, describeKube } from "../borrowing.ts";
import { readKubeconfig } from "../kubeconfig.ts";
import { describeKubectl, kubectl } from "../kubectl.ts";
import { createNamespace } from "../namespace.ts";
import { buildManifests } from "./built.ts";

refuseLeaks();

const FOLDERS = ["agent", "agent-example"] as const;
const BASE = [
  "ClusterRole hydra-agent",
  "ClusterRoleBinding hydra-agent",
  "ConfigMap hydra-agent",
  "Deployment hydra-agent",
  "Namespace hydra",
  "ServiceAccount hydra-agent",
];

describe("deploy/agent and deploy/agent-example", () => {
  test("every setting that they name: is one of hydra's", () => {
    const deploy = path.join(import.meta.dirname, "../../../deploy");
    const text = FOLDERS.flatMap((folder) =>
      readdirSync(path.join(deploy, folder), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".yaml"))
        .map((file) => readFileSync(path.join(deploy, folder, file), "utf8")),
    ).join("\n");
    const named = new Set(text.match(/\bHYDRA_[A-Z_]+/g));
    const known = new Set(Object.values(settings).map(({ name }) => name));
    expect(named.size).toBeGreaterThan(4);
    expect([...named].filter((name) => !known.has(name))).toEqual([]);
  });
});

describeKubectl("with kubectl: kustomize", () => {
  test("deploy/agent: builds, and its pod can read its settings", async () => {
    const { names, settings: env } = await buildManifests("agent");
    expect(names).toEqual(BASE);
    expect(loadConfig(env)).toMatchObject({ agentHealthPort: 8081, agentHealthHost: "0.0.0.0" });
  });

  test("deploy/agent-example: builds with what is its own of region, server, image and rights", async () => {
    const { names, settings: env, deployment } = await buildManifests("agent-example");
    const more = ["ClusterRole hydra-agent-create-namespaces", "ClusterRoleBinding hydra-agent-create-namespaces"];
    expect(names).toEqual([...BASE, ...more].toSorted());
    expect(loadConfig(env)).toMatchObject({
      agentRegion: "eu-west-1",
      url: "https://hydra.example.com",
      agentCreateNamespaces: true,
    });
    const [container] = deployment.spec?.template.spec?.containers ?? [];
    expect(container).toMatchObject({ image: "registry.example.com/hydra:v0.1.0", args: ["agent"] });
  });
});

describeKube("the API server", () => {
  describeKubectl("with kubectl: apply", () => {
    test.each(FOLDERS)("deploy/%s: is accepted, every field known, without a warning", async (folder) => {
      // Its rights and its namespace are there, as every agent of a test has them.
      const { kubeconfig } = await borrowControlPlane("east");
      const { yaml, names } = await buildManifests(folder);
      const apply = ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-"];
      const { stdout, stderr } = await kubectl(apply, { kubeconfig, input: yaml });
      expect(stderr).toBe("");
      expect(stdout.trim().split("\n")).toHaveLength(names.length);
    });

    test("the agent's pod: is allowed where the Pod Security Standard is restricted", async () => {
      const { kubeconfig } = await borrowControlPlane("east");
      await using namespace = await createNamespace(kubeconfig);
      const core = readKubeconfig(kubeconfig).makeApiClient(CoreV1Api);
      const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
      await kubectl(["label", "namespace", namespace.name, ...pairs(labels)], { kubeconfig });
      await core.createNamespacedServiceAccount({
        namespace: namespace.name,
        body: { metadata: { name: "hydra-agent" } },
      });
      const { deployment } = await buildManifests("agent-example");
      const pod = (securityContext: object | undefined) => ({
        metadata: { name: "agent" },
        spec: { ...(deployment.spec?.template.spec as Plain<V1PodSpec>), ...(securityContext && { securityContext }) },
      });
      const create = (body: ReturnType<typeof pod>) =>
        core.createNamespacedPod({ namespace: namespace.name, body, dryRun: "All" });
      expect(await eventually(() => create(pod(undefined)))).toMatchObject({ metadata: { name: "agent" } });
      // The standard is in force, and it is the security context that meets it.
      await expect(create(pod({}))).rejects.toMatchObject({ code: 403 });
    });
  });

  test("the agent's account: reads no secret, enters no pod, changes no rights, deletes no namespace", async () => {
    const { agentKubeconfig } = await borrowControlPlane("east");
    const agent = readKubeconfig(agentKubeconfig);
    await expect(agent.makeApiClient(CoreV1Api).listSecretForAllNamespaces()).rejects.toMatchObject({ code: 403 });
    expect(await refused(agentKubeconfig, FORBIDDEN)).toEqual(FORBIDDEN);
    expect(await refused(agentKubeconfig, [{ verb: "patch", group: "apps", resource: "deployments" }])).toEqual([]);
  });
});

const FORBIDDEN: readonly V1ResourceAttributes[] = [
  ...["get", "list", "watch", "create", "patch", "delete"].map((verb) => ({ verb, resource: "secrets" })),
  ...["get", "list", "patch"].map((verb) => ({ verb, resource: "configmaps" })),
  ...["exec", "log", "ephemeralcontainers"].map((subresource) => ({ verb: "get", resource: "pods", subresource })),
  { verb: "create", resource: "pods" },
  { verb: "create", resource: "pods", subresource: "exec" },
  { verb: "create", resource: "serviceaccounts", subresource: "token" },
  { verb: "delete", resource: "pods" },
  { verb: "create", resource: "namespaces" },
  { verb: "delete", resource: "namespaces" },
  { verb: "list", resource: "nodes" },
  { verb: "impersonate", resource: "users" },
  { verb: "create", group: "rbac.authorization.k8s.io", resource: "clusterrolebindings" },
  { verb: "create", group: "apps", resource: "daemonsets" },
  { verb: "patch", resource: "services" },
];

/** Those of the accesses, in any namespace, that the API server does not grant. */
async function refused(kubeconfig: string, accesses: readonly V1ResourceAttributes[]): Promise<V1ResourceAttributes[]> {
  const api = readKubeconfig(kubeconfig).makeApiClient(AuthorizationV1Api);
  const reviews = accesses.map(async (resourceAttributes) => {
    const { status } = await api.createSelfSubjectAccessReview({ body: { spec: { resourceAttributes } } });
    return status?.allowed ? [] : [resourceAttributes];
  });
  return (await Promise.all(reviews)).flat();
}

function pairs(labels: Readonly<Record<string, string>>): string[] {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`);
}
