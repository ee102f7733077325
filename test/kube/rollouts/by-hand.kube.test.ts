import { AppsV1Api, CoreV1Api } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { type Sentinel, SentinelDeployStatus, SentinelRolloutState } from "../../../src/client/index.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { borrowControlPlane, describeKube } from "../borrowing.ts";
import { deploymentsIn } from "../fleet.ts";
import { readKubeconfig } from "../kubeconfig.ts";
import { createNamespace } from "../namespace.ts";
import { adoptDeployments } from "./adoption.ts";
import { patchDeployment } from "./patch.ts";
import { type Site, startSite } from "./site.ts";

refuseLeaks();

const V1 = "ghcr.io/acme/sentinel:v1";
const V2 = "ghcr.io/acme/sentinel:v2";
const BY_HAND = "ghcr.io/acme/sentinel:by-hand";

describeKube("what others do in the cluster", () => {
  test("Deployments that have been rolled are re-imaged, scaled and deleted while others follow: told as drift, not undone", async () => {
    await using given = await startFleet(4);
    const { site, ids, namespace, kubeconfig, apps } = given;
    const [first = "", second = "", third = "", last = ""] = ids;
    const rollout = site.client.rollouts.rollout({ image: `${V2}-slow`, wavePercentages: [75, 100] });
    for (const id of [first, second, third]) await untilSentinel(site, id, { deployStatus: READY });
    await patchDeployment(kubeconfig, { namespace, name: "snt-001" }, imageOf(BY_HAND));
    await patchDeployment(kubeconfig, { namespace, name: "snt-002" }, { spec: { replicas: 3 } });
    await apps.deleteNamespacedDeployment({ namespace, name: "snt-003" });

    expect((await rollout).state).toBe(SentinelRolloutState.COMPLETED);
    await untilSentinel(site, first, {
      drift: expect.stringContaining(`image is ${BY_HAND}, not ${V2}-slow (by edit)`),
    });
    await untilSentinel(site, second, { drift: "replicas is 3, not 1 (by edit)" });
    await untilSentinel(site, third, { drift: expect.stringContaining("somebody has deleted Deployment") });
    await untilSentinel(site, last, { drift: "" });
    expect(await deploymentsIn(kubeconfig, namespace)).toMatchObject([
      { name: "snt-001", image: BY_HAND },
      { name: "snt-002", image: `${V2}-slow`, replicas: 3 },
      { name: "snt-004", image: `${V2}-slow`, replicas: 1 },
    ]);
  });

  test("the image is put back while its deploy runs: the deploy fails, and the edit stays", async () => {
    await using given = await startFleet(1);
    const { site, ids, namespace, kubeconfig } = given;
    const deploy = site.client.sentinels.deploy({ sentinelId: ids[0] ?? "", image: `${V2}-slow` });
    await untilImage(given, `${V2}-slow`);
    await patchDeployment(kubeconfig, { namespace, name: "snt-001" }, imageOf(V1));
    expect(await deploy).toMatchObject({
      status: SentinelDeployStatus.FAILED,
      reason: expect.stringContaining(`image is ${V1} again, not ${V2}-slow (by edit)`),
    });
    expect(await deploymentsIn(kubeconfig, namespace)).toMatchObject([{ image: V1 }]);
  });

  test("the Deployment is deleted while its deploy runs: the deploy fails, the next one makes it anew", async () => {
    await using given = await startFleet(1);
    const { site, ids, namespace, apps } = given;
    const [sentinelId = ""] = ids;
    const deploy = site.client.sentinels.deploy({ sentinelId, image: `${V2}-stuck` });
    await untilImage(given, `${V2}-stuck`);
    await apps.deleteNamespacedDeployment({ namespace, name: "snt-001" });
    expect(await deploy).toMatchObject({
      status: SentinelDeployStatus.FAILED,
      reason: expect.stringContaining("somebody has deleted Deployment"),
    });
    expect(await site.client.sentinels.deploy({ sentinelId, image: V2 })).toMatchObject({ status: READY });
    await untilImage(given, V2);
  });

  test("the image belongs to another field manager: taken over, and said from whom", async () => {
    await using given = await startFleet(1);
    const { site, ids, namespace, kubeconfig } = given;
    await patchDeployment(kubeconfig, { namespace, name: "snt-001" }, imageOf(BY_HAND), "gitops");
    expect(await site.client.sentinels.deploy({ sentinelId: ids[0] ?? "", image: V2 })).toMatchObject({
      status: READY,
    });
    await untilSentinel(site, ids[0] ?? "", { takenFrom: "image from gitops", drift: "" });
  });

  test("the image belongs to another field manager, and the agent runs with --no-force: the deploy fails, nothing is written", async () => {
    await using given = await startFleet(1, "--no-force");
    const { site, ids, namespace, kubeconfig } = given;
    await patchDeployment(kubeconfig, { namespace, name: "snt-001" }, imageOf(BY_HAND), "gitops");
    expect(await site.client.sentinels.deploy({ sentinelId: ids[0] ?? "", image: V2 })).toMatchObject({
      status: SentinelDeployStatus.FAILED,
      reason: expect.stringContaining("gitops"),
    });
    expect(await deploymentsIn(kubeconfig, namespace)).toMatchObject([{ image: BY_HAND }]);
  });

  test("a quota leaves no room for the pod that comes first: the deploy fails with the cluster's words", async () => {
    await using given = await startFleet(1);
    const { site, ids, namespace, core, kubeconfig } = given;
    await eventually(async () => expect(await deploymentsIn(kubeconfig, namespace)).toMatchObject([{ available: 1 }]));
    await core.createNamespacedResourceQuota({
      namespace,
      body: { metadata: { name: "pods" }, spec: { hard: { pods: "1" } } },
    });
    await eventually(async () => {
      const quota = await core.readNamespacedResourceQuota({ namespace, name: "pods" });
      expect(quota.status?.used).toEqual({ pods: "1" });
    });
    expect(await site.client.sentinels.deploy({ sentinelId: ids[0] ?? "", image: V2 })).toMatchObject({
      status: SentinelDeployStatus.FAILED,
      reason: expect.stringMatching(/exceeded quota: pods, requested: pods=1, used: pods=1, limited: pods=1/),
    });
    expect(await deploymentsIn(kubeconfig, namespace)).toMatchObject([{ available: 1 }]);
  });

  test("the namespace is being deleted: the deploy fails with the cluster's words", async () => {
    await using given = await startFleet(1);
    const { site, ids, namespace, core, kubeconfig } = given;
    // A finalizer that nobody takes off keeps it from going.
    const held = { name: "held", finalizers: ["hydra.dev/test"] };
    await core.createNamespacedConfigMap({ namespace, body: { metadata: held } });
    await core.deleteNamespace({ name: namespace });
    await eventually(async () => expect(await deploymentsIn(kubeconfig, namespace)).toEqual([]));
    expect(await site.client.sentinels.deploy({ sentinelId: ids[0] ?? "", image: V2 })).toMatchObject({
      status: SentinelDeployStatus.FAILED,
      reason: expect.stringContaining("because it is being terminated"),
    });
    await core.replaceNamespacedConfigMap({
      namespace,
      name: "held",
      body: { metadata: { name: "held", finalizers: [] } },
    });
  });
});

const READY = SentinelDeployStatus.READY;

/** Deployments that hydra has taken on, in a namespace of their own in the cluster `east`. */
async function startFleet(count: number, ...agentFlags: string[]) {
  await using owned = new AsyncDisposableStack();
  const { kubeconfig, agentKubeconfig } = await borrowControlPlane("east");
  const { name: namespace } = owned.use(await createNamespace(kubeconfig));
  const site = owned.use(await startSite());
  const ids = await adoptDeployments(site.client, kubeconfig, count, { region: "east", namespace, image: V1 });
  site.startAgent("east", agentKubeconfig, ...agentFlags);
  const config = readKubeconfig(kubeconfig);
  const ended = owned.move();
  return {
    kubeconfig,
    namespace,
    site,
    ids,
    apps: config.makeApiClient(AppsV1Api),
    core: config.makeApiClient(CoreV1Api),
    [Symbol.asyncDispose]: () => ended.disposeAsync(),
  };
}

function imageOf(image: string): object {
  return { spec: { template: { spec: { containers: [{ name: "sentinel", image }] } } } };
}

async function untilImage(given: { kubeconfig: string; namespace: string }, image: string): Promise<void> {
  await eventually(async () =>
    expect(await deploymentsIn(given.kubeconfig, given.namespace)).toMatchObject([{ image }]),
  );
}

async function untilSentinel({ client }: Site, sentinelId: string, expected: Partial<Sentinel>): Promise<void> {
  await eventually(
    async () => expect((await client.sentinels.getSentinel({ sentinelId })).sentinel).toMatchObject(expected),
    { timeoutMs: 30_000 },
  );
}
