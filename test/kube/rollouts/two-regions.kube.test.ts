import { expect, test } from "vitest";
import { SentinelRolloutState } from "../../../src/client/index.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { borrowControlPlane, describeKube } from "../borrowing.ts";
import { deploymentsIn } from "../fleet.ts";
import { createNamespace } from "../namespace.ts";
import { adoptDeployments } from "./adoption.ts";
import { failuresOf } from "./failures.ts";
import { startSite } from "./site.ts";

refuseLeaks();

const IN_EACH = 50;
const V1 = "ghcr.io/acme/sentinel:v1";
const V2 = "ghcr.io/acme/sentinel:v2";
/** Runs on most sentinels. */
const V3 = "ghcr.io/acme/sentinel:v3-faulty";

// The third wave, to 25 %, takes numbers 4 to 13 of both regions, the last one 26 to 50.
const FAULTS: Record<string, Record<number, string>> = {
  east: { 6: "badpull", 8: "stuck", 40: "badpull" },
  west: { 6: "crash", 8: "slow" },
};

describeKube("100 Deployments in two clusters", () => {
  test("one image fails in four ways: paused with each cluster's words, skipped by Resume, rolled back on the API servers", async () => {
    await using site = await startSite({ deployTimeout: "20s" });
    await using fleet = await startFleet(site);
    const { rollouts } = site.client;

    const first = await rollouts.rollout({ image: V2 });
    expect(first.state).toBe(SentinelRolloutState.COMPLETED);
    expect(await fleet.images()).toEqual(fleet.all(V2));

    const second = await rollouts.rollout({ image: V3 });
    expect(second.state).toBe(SentinelRolloutState.PAUSED);
    const { rollout } = await rollouts.getRollout({});
    expect(rollout).toMatchObject({ ready: 22, failed: 3, currentWave: 2 });
    expect(await failuresOf(site.client)).toEqual({
      "snt-006-east": {
        class: "image_pull",
        reason: expect.stringMatching(
          /^image ghcr.io\/acme\/sentinel:v3-faulty of container sentinel cannot be pulled \(pod snt-006-\S+\): ImagePullBackOff: Back-off pulling image/,
        ),
      },
      "snt-006-west": {
        class: "crash_loop",
        reason: expect.stringMatching(
          /^container sentinel crashes \(pod snt-006-\S+\): exit code 1, Error: panic: cannot bind port; 3 restarts$/,
        ),
      },
      "snt-008-east": { class: "timeout", reason: expect.stringMatching(/^not ready within 20s: /) },
    });

    expect((await rollouts.resume({})).state).toBe(SentinelRolloutState.PAUSED);
    expect(Object.keys(await failuresOf(site.client))).toContain("snt-040-east");

    expect(await rollouts.rollbackAll({})).toMatchObject({ reverted: 96 });
    const left = { "snt-006-east": V3, "snt-006-west": V3, "snt-008-east": V3, "snt-040-east": V3 };
    expect(await fleet.images()).toEqual({ ...fleet.all(V2), ...left });
    // Where Kubernetes left them: the pod of before still serves.
    expect(await fleet.available(Object.keys(left))).toEqual([1, 1, 1, 1]);
  });
});

async function startFleet(site: Awaited<ReturnType<typeof startSite>>) {
  await using owned = new AsyncDisposableStack();
  const clusters = new Map<string, { kubeconfig: string; namespace: string }>();
  const ids: string[] = [];
  for (const region of ["east", "west"] as const) {
    const { kubeconfig, agentKubeconfig } = await borrowControlPlane(region);
    const namespace = owned.use(await createNamespace(kubeconfig)).name;
    const simulated = (number: number) => FAULTS[region]?.[number];
    const fleet = { region, namespace, image: V1, simulated };
    ids.push(...(await adoptDeployments(site.client, kubeconfig, IN_EACH, fleet)));
    site.startAgent(region, agentKubeconfig);
    clusters.set(region, { kubeconfig, namespace });
  }
  const deployments = async () => {
    const perRegion = [...clusters].map(async ([region, { kubeconfig, namespace }]) =>
      (await deploymentsIn(kubeconfig, namespace)).map((one) => ({ ...one, id: `${one.name}-${region}` })),
    );
    return (await Promise.all(perRegion)).flat();
  };
  const ended = owned.move();
  return {
    all: (image: string) => Object.fromEntries(ids.map((id) => [id, image])),
    /** As the API servers have it, by sentinel. */
    images: async () => Object.fromEntries((await deployments()).map(({ id, image }) => [id, image])),
    available: async (of: readonly string[]) =>
      (await deployments()).filter(({ id }) => of.includes(id)).map(({ available }) => available),
    [Symbol.asyncDispose]: () => ended.disposeAsync(),
  };
}
