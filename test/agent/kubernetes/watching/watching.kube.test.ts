import { writeFile } from "node:fs/promises";
import path from "node:path";
import { CoreV1Api } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { type ClusterConnection, connectToCluster } from "../../../../src/agent/kubernetes/connection/connect.ts";
import { SENTINEL_LABEL } from "../../../../src/agent/kubernetes/objects.ts";
import { startWatching } from "../../../../src/agent/kubernetes/watching/start-watching.ts";
import { borrowControlPlane, describeKube } from "../../../kube/borrowing.ts";
import { startControlPlane } from "../../../kube/control-plane.ts";
import { createDeployments } from "../../../kube/fleet.ts";
import { startFreezingProxy } from "../../../kube/freezing-proxy.ts";
import { readKubeconfig } from "../../../kube/kubeconfig.ts";
import { createNamespace } from "../../../kube/namespace.ts";
import { createStranger } from "../../../kube/stranger.ts";
import { eventually } from "../../../support/eventually.ts";
import { refuseLeaks } from "../../../support/leaks.ts";

refuseLeaks();

// What watches has the agent's rights; what is watched is changed by an administrator.

describeKube("watching a cluster", () => {
  test("a Deployment gets the label: its pods are known, and those of others are not", async () => {
    const { kubeconfig, agentKubeconfig } = await borrowControlPlane("east");
    await using namespace = await createNamespace(kubeconfig);
    await using watching = await watchAll(agentKubeconfig);
    const { name } = namespace;
    await createDeployments(kubeconfig, 2, { namespace: name, image: "sentinel:1", replicas: 2 });
    const place = { namespace: name, name: "snt-001" };
    await eventually(async () => expect(await availableOf(watching.connection, place)).toBe(2));
    expect(watching.objects.deployment(place)).toBeUndefined();
    const version = await label(watching.connection, place, "snt-001");
    await watching.upToDate(version, new AbortController().signal);
    const deployment = watching.objects.deployment(place);
    expect(deployment?.sentinelId).toBe("snt-001");
    const [replicaSet] = watching.objects.replicaSetsOf(deployment?.uid ?? "");
    expect(watching.objects.podsOf(replicaSet?.uid ?? "").map(({ phase }) => phase)).toEqual(["Running", "Running"]);
    expect(watching.objects.deployment({ namespace: name, name: "snt-002" })).toBeUndefined();
    await label(watching.connection, place, null);
    await eventually(() => expect(watching.objects.deployment(place)).toBeUndefined());
    expect(watching.objects.replicaSetsOf(deployment?.uid ?? "")).toEqual([]);
  });

  test("a pod has ended: the API server does not tell of it any more, and it is gone", async () => {
    const { kubeconfig, agentKubeconfig } = await borrowControlPlane("east");
    await using namespace = await createNamespace(kubeconfig);
    await using watching = await watchAll(agentKubeconfig);
    await createDeployments(kubeconfig, 1, { namespace: namespace.name, image: "sentinel:1" });
    const place = { namespace: namespace.name, name: "snt-001" };
    await label(watching.connection, place, "snt-001");
    const [pod] = await eventually(() => {
      const pods = podsAt(watching.objects, place);
      expect(pods).toMatchObject([{ phase: "Running" }]);
      return pods;
    });
    const core = readKubeconfig(kubeconfig).makeApiClient(CoreV1Api);
    const status = { op: "replace", path: "/status/phase", value: "Failed" };
    await core.patchNamespacedPodStatus({ namespace: namespace.name, name: pod?.name ?? "", body: [status] });
    await eventually(() => expect(podsAt(watching.objects, place).map(({ uid }) => uid)).not.toContain(pod?.uid));
  });

  test("the API server is killed and started again: what changes then is heard", async () => {
    await using plane = await startControlPlane();
    const { name } = await createNamespace(plane.kubeconfig);
    await createDeployments(plane.kubeconfig, 1, { namespace: name, image: "sentinel:1" });
    await using watching = await watchAll(await plane.agentKubeconfig());
    await plane.apiServer.kill();
    await eventually(() => watching.restarts() > 0);
    await plane.apiServer.start();
    const place = { namespace: name, name: "snt-001" };
    // At first it has not read yet who may do what.
    await eventually(() => label(watching.connection, place, "snt-001"), { timeoutMs: 30_000 });
    await eventually(() => expect(watching.objects.deployment(place)?.sentinelId).toBe("snt-001"), {
      timeoutMs: 30_000,
    });
  });

  test("one is deleted while nothing comes through, and the API server forgets about it: it is gone when all is listed anew", async () => {
    await using plane = await startControlPlane();
    const { name } = await createNamespace(plane.kubeconfig);
    await createDeployments(plane.kubeconfig, 2, { namespace: name, image: "sentinel:1" });
    const agentKubeconfig = await plane.agentKubeconfig();
    await using proxy = await startFreezingProxy(portOf(agentKubeconfig));
    await using watching = await watchAll(await throughPort(proxy.port, agentKubeconfig));
    const [first, second] = [1, 2].map((number) => ({ namespace: name, name: `snt-00${number}` }));
    for (const place of [first!, second!]) {
      await label(watching.connection, place, place.name);
      await eventually(() => expect(watching.objects.deployment(place)).toBeDefined());
    }
    proxy.freeze();
    await using direct = await watchAll(agentKubeconfig);
    await direct.connection.client.request("DELETE", pathOf(first!));
    expect(watching.objects.deployment(first!)).toBeDefined();
    // What it remembers of changes is in its memory: from before it started nobody can go on.
    await plane.apiServer.kill();
    await plane.apiServer.start();
    await eventually(() => expect(watching.objects.deployment(first!)).toBeUndefined(), { timeoutMs: 60_000 });
    expect(watching.objects.deployment(second!)).toBeDefined();
    expect(watching.logged).toContainEqual(expect.objectContaining({ err: expect.objectContaining({ status: 410 }) }));
  });

  test("the agent has no rights: that is told with what to do, and once it has them everything is heard", async () => {
    const { kubeconfig } = await borrowControlPlane("east");
    await using namespace = await createNamespace(kubeconfig);
    await createDeployments(kubeconfig, 1, { namespace: namespace.name, image: "sentinel:1" });
    await using stranger = await createStranger(kubeconfig, namespace.name);
    await using watching = await watchAll(stranger.kubeconfig, { untilSynced: false });
    const told = await eventually(() => watching.logged.find(({ level }) => level === "error") ?? false);
    expect(told.message).toContain("give it the rights of deploy/agent/rights.yaml");
    expect(String(told.err)).toMatch(/deployments.apps is forbidden: User .*:stranger" cannot list resource/);
    await stranger.grantRights();
    await watching.synced;
    expect(watching.logged.filter(({ level }) => level === "error")).toHaveLength(1);
  });
});

interface Logged {
  readonly level: string;
  readonly message: string;
  readonly err?: unknown;
}

async function watchAll(kubeconfigFile: string, { untilSynced = true } = {}) {
  const stop = new AbortController();
  const { signal } = stop;
  const logged: Logged[] = [];
  const tell = (level: string) => (fields: object, message: string) => void logged.push({ ...fields, level, message });
  const log = { debug() {}, info: tell("info"), warn: tell("warn"), error: tell("error") };
  const connection = await connectToCluster({ kubeconfigFile, log, signal });
  const watching = startWatching({ connection, container: "sentinel", onChange: () => {}, log, signal });
  if (untilSynced) await watching.synced;
  return {
    ...watching,
    connection,
    logged,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching.ended;
      await connection.close();
    },
  };
}

type Objects = Awaited<ReturnType<typeof watchAll>>["objects"];

function podsAt(objects: Objects, place: Place) {
  const replicaSets = objects.replicaSetsOf(objects.deployment(place)?.uid ?? "");
  return replicaSets.flatMap(({ uid }) => objects.podsOf(uid));
}

function portOf(kubeconfig: string): number {
  return Number(new URL(readKubeconfig(kubeconfig).getCurrentCluster()?.server ?? "").port);
}

/** A kubeconfig beside the other one that leads to another port. */
async function throughPort(port: number, kubeconfig: string): Promise<string> {
  const file = path.join(path.dirname(kubeconfig), "through-proxy");
  const config = readKubeconfig(kubeconfig).exportConfig();
  await writeFile(file, config.replace(`:${portOf(kubeconfig)}`, `:${port}`));
  return file;
}

interface Place {
  readonly namespace: string;
  readonly name: string;
}

function pathOf({ namespace, name }: Place): string {
  return `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
}

async function availableOf({ client }: ClusterConnection, place: Place): Promise<number | undefined> {
  const { status } = await client.request<{ status: { availableReplicas?: number } }>("GET", pathOf(place));
  return status.availableReplicas;
}

/** Answers with the version that has it. */
async function label({ client }: ClusterConnection, place: Place, value: string | null): Promise<bigint> {
  const { metadata } = await client.request<{ metadata: { resourceVersion: string } }>("PATCH", pathOf(place), {
    contentType: "application/merge-patch+json",
    body: { metadata: { labels: { [SENTINEL_LABEL]: value } } },
  });
  return BigInt(metadata.resourceVersion);
}
