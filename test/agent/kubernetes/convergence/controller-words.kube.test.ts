import { CoreV1Api } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { connectToCluster } from "../../../../src/agent/kubernetes/connection/connect.ts";
import { judge, type Verdict } from "../../../../src/agent/kubernetes/convergence/index.ts";
import { SENTINEL_LABEL } from "../../../../src/agent/kubernetes/objects.ts";
import { lookAt } from "../../../../src/agent/kubernetes/reconciling/observed.ts";
import { startWatching } from "../../../../src/agent/kubernetes/watching/start-watching.ts";
import { DeployFailureClass } from "../../../../src/gen/hydra/v1/cluster_pb.ts";
import { borrowControlPlane, describeKube } from "../../../kube/borrowing.ts";
import { createDeployments } from "../../../kube/fleet.ts";
import { readKubeconfig } from "../../../kube/kubeconfig.ts";
import { createNamespace } from "../../../kube/namespace.ts";
import { patchDeployment } from "../../../kube/rollouts/patch.ts";
import { eventually } from "../../../support/eventually.ts";
import { refuseLeaks } from "../../../support/leaks.ts";
import { quietLog } from "../../../support/quiet-log.ts";
import { desiredSentinel } from "./situations.ts";

refuseLeaks();

const V1 = "sentinel:1";
const V2 = "sentinel:2-stuck";

describeKube("what the real controllers say", () => {
  test("the ReplicaSet is refused: told, though the controller has not said that it has seen the change", async () => {
    await using given = await startFleet();
    const { namespace, core } = given;
    await eventually(() => expect(given.look(V1).availableReplicas).toBe(1));
    const spec = { hard: { "count/replicasets.apps": "1" } };
    await core.createNamespacedResourceQuota({ namespace, body: { metadata: { name: "sets" }, spec } });
    await eventually(async () => {
      const { status } = await core.readNamespacedResourceQuota({ namespace, name: "sets" });
      expect(status?.used).toEqual({ "count/replicasets.apps": "1" });
    });
    await given.patch({ containers: [{ name: "sentinel", image: V2 }] });
    await eventually(() => expect(given.look(V2).failure?.failureClass).toBe(DeployFailureClass.QUOTA));
    const { failure, observedGeneration } = given.look(V2);
    expect(failure?.reason).toMatch(/^the cluster refuses its pods: Failed to create new replica set .*exceeded quota/);
    expect(observedGeneration).toBe(0n);
  });

  test("pods of before are refused, and those of now come up slowly: the deploy has not failed", async () => {
    await using given = await startFleet({ serviceAccountName: "missing" });
    await eventually(() => expect(given.look(V1).failure?.failureClass).toBe(DeployFailureClass.FORBIDDEN));
    expect(given.look(V1).failure?.reason).toContain('serviceaccount "missing" not found');

    const serviceAccountName = "default";
    await given.patch({ serviceAccountName, serviceAccount: null, containers: [{ name: "sentinel", image: V2 }] });
    await eventually(() => expect(given.look(V2).progress).toContain("container sentinel is not ready"));
    expect(given.conditions()).toContainEqual(expect.objectContaining({ type: "ReplicaFailure", status: "True" }));
    expect(given.look(V2).failure).toBeUndefined();
  });
});

/** A Deployment that is a sentinel's, watched and judged without a grace. */
async function startFleet(podSpec: object = {}) {
  await using owned = new AsyncDisposableStack();
  const { kubeconfig } = await borrowControlPlane("east");
  const { name: namespace } = owned.use(await createNamespace(kubeconfig));
  await createDeployments(kubeconfig, 1, { namespace, image: V1 });
  const place = { namespace, name: "snt-001" };
  const patch = (spec: object) => patchDeployment(kubeconfig, place, { spec: { template: { spec } } });
  await patchDeployment(kubeconfig, place, {
    metadata: { labels: { [SENTINEL_LABEL]: "s1" } },
    spec: { template: { spec: podSpec } },
  });
  const { objects } = owned.use(await watch(kubeconfig));
  const ended = owned.move();
  return {
    namespace,
    core: readKubeconfig(kubeconfig).makeApiClient(CoreV1Api),
    patch,
    conditions: () => objects.deployment(place)?.status.conditions ?? [],
    look(image: string): Verdict {
      const desired = desiredSentinel({ k8sNamespace: namespace, k8sName: "snt-001", image });
      const situation = lookAt(desired, objects, { container: "sentinel", deployTimeoutMs: 600_000 });
      return judge(situation, { nowMs: 0, graceMs: 0 }, undefined);
    },
    [Symbol.asyncDispose]: () => ended.disposeAsync(),
  };
}

async function watch(kubeconfigFile: string) {
  const stop = new AbortController();
  const { signal } = stop;
  const connection = await connectToCluster({ kubeconfigFile, log: quietLog, signal });
  const watching = startWatching({ connection, container: "sentinel", onChange: () => {}, log: quietLog, signal });
  await watching.synced;
  return {
    objects: watching.objects,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching.ended;
      await connection.close();
    },
  };
}
