import { expect, test } from "vitest";
import { type ClusterConnection, connectToCluster } from "../../../../src/agent/kubernetes/connection/connect.ts";
import { SENTINEL_LABEL } from "../../../../src/agent/kubernetes/objects.ts";
import { startWatching } from "../../../../src/agent/kubernetes/watching/start-watching.ts";
import { borrowControlPlane, describeKube } from "../../../kube/borrowing.ts";
import { startControlPlane } from "../../../kube/control-plane.ts";
import { createDeployments } from "../../../kube/fleet.ts";
import { createNamespace } from "../../../kube/namespace.ts";
import { eventually } from "../../../support/eventually.ts";
import { refuseLeaks } from "../../../support/leaks.ts";
import { quietLog } from "../../../support/quiet-log.ts";

refuseLeaks();

describeKube("watching a cluster", () => {
  test("a Deployment gets the label: its pods are known, and those of others are not", async () => {
    const { kubeconfig } = await borrowControlPlane("east");
    await using namespace = await createNamespace(kubeconfig);
    await using watching = await watchAll(kubeconfig);
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

  test("the API server is killed and started again: what changes then is heard", async () => {
    await using plane = await startControlPlane();
    const { name } = await createNamespace(plane.kubeconfig);
    await createDeployments(plane.kubeconfig, 1, { namespace: name, image: "sentinel:1" });
    await using watching = await watchAll(plane.kubeconfig);
    await plane.apiServer.kill();
    await eventually(() => watching.restarts() > 0);
    await plane.apiServer.start();
    const place = { namespace: name, name: "snt-001" };
    await label(watching.connection, place, "snt-001");
    await eventually(() => expect(watching.objects.deployment(place)?.sentinelId).toBe("snt-001"), {
      timeoutMs: 30_000,
    });
  });
});

async function watchAll(kubeconfigFile: string) {
  const stop = new AbortController();
  const { signal } = stop;
  const connection = await connectToCluster({ kubeconfigFile, log: quietLog, signal });
  const options = { connection, container: "sentinel", onChange: () => {}, log: quietLog, signal };
  const watching = startWatching(options);
  await watching.synced;
  return {
    ...watching,
    connection,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching.ended;
      await connection.close();
    },
  };
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
