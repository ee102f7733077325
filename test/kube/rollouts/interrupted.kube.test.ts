import { rename } from "node:fs/promises";
import { CoreV1Api } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { RolloutEventType, SentinelRolloutState } from "../../../src/client/index.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { borrowControlPlane, describeKube } from "../borrowing.ts";
import { startControlPlane } from "../control-plane.ts";
import { deploymentsIn } from "../fleet.ts";
import { readKubeconfig } from "../kubeconfig.ts";
import { createNamespace } from "../namespace.ts";
import { adoptDeployments } from "./adoption.ts";
import { type Site, startSite } from "./site.ts";

refuseLeaks();

const SENTINELS = 40;
const KILLS = 10;
const V1 = "ghcr.io/acme/sentinel:v1";
const V2 = "ghcr.io/acme/sentinel:v2";
const V3 = "ghcr.io/acme/sentinel:v3";

describeKube("a rollout that is interrupted", () => {
  test("the API server is killed in the middle and started again: each Deployment is rolled once", async () => {
    await using plane = await startControlPlane();
    const { name: namespace } = await createNamespace(plane.kubeconfig);
    await using site = await startSite();
    await adoptDeployments(site.client, plane.kubeconfig, SENTINELS, { region: "own", namespace, image: V1 });
    site.startAgent("own", await plane.agentKubeconfig());

    const rollout = site.client.rollouts.rollout({ image: V2 });
    await untilReady(site, 5);
    await plane.apiServer.kill();
    await plane.apiServer.start();
    expect((await rollout).state).toBe(SentinelRolloutState.COMPLETED);
    await expectRolledOnce(plane.kubeconfig, namespace);
  });

  test("the agent's credentials expire, and new ones are put into its kubeconfig: it goes on with them", async () => {
    await using plane = await startControlPlane();
    const { name: namespace } = await createNamespace(plane.kubeconfig);
    await using site = await startSite();
    const { rollouts } = site.client;
    await adoptDeployments(site.client, plane.kubeconfig, 5, { region: "own", namespace, image: V1 });
    const agentKubeconfig = await plane.agentKubeconfig();
    const agent = site.startAgent("own", agentKubeconfig);
    expect((await rollouts.rollout({ image: V2 })).state).toBe(SentinelRolloutState.COMPLETED);

    await expireToken(plane.kubeconfig, agentKubeconfig, namespace);
    const rollout = rollouts.rollout({ image: V3 });
    await eventually(() => expect(agent.stderr()).toContain("Unauthorized"));
    await rename(await plane.agentKubeconfig(), agentKubeconfig);
    expect((await rollout).state).toBe(SentinelRolloutState.COMPLETED);
    for (const one of await deploymentsIn(plane.kubeconfig, namespace)) expect(one).toMatchObject({ image: V3 });
  });

  test("the agent is killed ten times: each Deployment is rolled once", async () => {
    const { kubeconfig, agentKubeconfig } = await borrowControlPlane("east");
    await using namespace = await createNamespace(kubeconfig);
    await using site = await startSite();
    const fleet = { region: "east", namespace: namespace.name, image: V1 };
    await adoptDeployments(site.client, kubeconfig, SENTINELS, fleet);

    const rollout = site.client.rollouts.rollout({ image: V2 });
    for (let kill = 0; kill < KILLS; kill++) {
      const agent = site.startAgent("east", agentKubeconfig);
      await untilReady(site, 3 * (kill + 1));
      agent.kill("SIGKILL");
      expect(await agent.exited).toBe("SIGKILL");
    }
    site.startAgent("east", agentKubeconfig);
    expect((await rollout).state).toBe(SentinelRolloutState.COMPLETED);
    await expectRolledOnce(kubeconfig, namespace.name);
  });

  test("two agents of one region: each Deployment is rolled once", async () => {
    const { kubeconfig, agentKubeconfig } = await borrowControlPlane("east");
    await using namespace = await createNamespace(kubeconfig);
    await using site = await startSite();
    const fleet = { region: "east", namespace: namespace.name, image: V1 };
    await adoptDeployments(site.client, kubeconfig, SENTINELS, fleet);
    site.startAgent("east", agentKubeconfig);
    site.startAgent("east", agentKubeconfig);

    const { state } = await site.client.rollouts.rollout({ image: V2 });
    expect(state).toBe(SentinelRolloutState.COMPLETED);
    await expectRolledOnce(kubeconfig, namespace.name);
  });
});

/** Waits until this many sentinels have taken the image of the rollout. */
async function untilReady({ client }: Site, count: number): Promise<void> {
  let ready = 0;
  for await (const { message } of client.rollouts.watch({ afterSequence: 0n })) {
    if (message.case === "event" && message.value.type === RolloutEventType.SENTINEL_READY) ready += 1;
    if (ready >= count) return;
  }
}

async function expectRolledOnce(kubeconfig: string, namespace: string): Promise<void> {
  const deployments = await deploymentsIn(kubeconfig, namespace);
  expect(deployments.length).toBe(SENTINELS);
  for (const one of deployments) expect(one).toMatchObject({ image: V2, available: 1, revision: 2 });
}

/** Resolves once the API server refuses the agent's token: those of an account go with it. */
async function expireToken(kubeconfig: string, agentKubeconfig: string, namespace: string): Promise<void> {
  const core = readKubeconfig(kubeconfig).makeApiClient(CoreV1Api);
  await core.deleteNamespacedServiceAccount({ namespace: "hydra", name: "hydra-agent" });
  await eventually(async () => expect(deploymentsIn(agentKubeconfig, namespace)).rejects.toMatchObject({ code: 401 }), {
    timeoutMs: 30_000,
  });
}
