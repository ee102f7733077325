import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { KubeError } from "../../../../src/agent/kubernetes/kube-client.ts";
import { DeployFailureClass } from "../../../../src/gen/hydra/v1/cluster_pb.ts";
import { after, desiredOf, nextDeploy, placeOf, restoreTime, startReconciling, stopTime } from "./reconciling.ts";

beforeEach(stopTime);
afterEach(restoreTime);

describe("reports", () => {
  test("events that change nothing for the sentinel: nothing is told again", async () => {
    const { cluster, reconciler, told } = startReconciling();
    reconciler.apply([desiredOf(1)]);
    await after(0);
    told();
    for (let event = 0; event < 5; event++) {
      cluster.put(placeOf(1), {});
      await after(0);
    }
    expect(told()).toEqual([]);
  });

  test("a full sync, as after a reconnect: everything is told again, once, and nothing is written", async () => {
    const { cluster, reconciler, told } = startReconciling();
    const desired = [desiredOf(1), desiredOf(2)];
    reconciler.apply(desired);
    await after(0);
    const first = told();
    const calls = cluster.calls.length;
    reconciler.apply(desired);
    reconciler.keepOnly(new Set(["s1", "s2"]));
    await after(0);
    expect(told()).toEqual(first);
    expect(cluster.calls.length).toBe(calls);
    await after(60_000);
    expect(told()).toEqual([]);
  });

  test("the grace is over, and nothing but the time has changed: it is told as newer than before", async () => {
    const { cluster, reconciler, told } = startReconciling();
    cluster.onApply = (desired) => cluster.accept(desired, { paused: true, status: { updatedReplicas: 0 } });
    reconciler.apply([desiredOf(1)]);
    await after(29_999);
    const [before, ...none] = told();
    expect([before?.failureClass, none.length]).toEqual([DeployFailureClass.UNSPECIFIED, 0]);
    await after(2);
    const [failed] = told();
    expect(failed).toMatchObject({ failureClass: DeployFailureClass.CONFLICT, deployNumber: 2n });
    expect(failed!.reportOrder).toBeGreaterThan(before!.reportOrder);
    await after(600_000);
    expect(told()).toEqual([]);
  });

  test("one deploy after the other, with refusals and trouble between: each report is newer than the one before", async () => {
    const { cluster, reconciler, told } = startReconciling();
    const outcomes = ["trouble", "refused", "accepted"] as const;
    const failure = { failureClass: DeployFailureClass.QUOTA, reason: "exceeded quota" };
    for (let deploy = 2; deploy < 14; deploy++) {
      const outcome = outcomes[deploy % 3]!;
      cluster.onApply = (desired) => {
        if (outcome === "trouble") throw new KubeError("no", 500, "InternalError");
        if (outcome === "refused") return { kind: "refused", deployment: undefined, failure };
        return cluster.accept(desired);
      };
      reconciler.apply([nextDeploy(1, deploy, `new:${deploy}`)]);
      await after(500);
      reconciler.keepOnly(new Set(["s1"]));
      cluster.put(placeOf(1), { status: { availableReplicas: deploy % 2 } });
      await after(500);
    }
    const positions = told().map(({ deployNumber, reportOrder }) => deployNumber * 10_000_000n + reportOrder);
    expect(positions.length).toBeGreaterThan(20);
    // A full sync repeats the last one as it was.
    expect(positions).toEqual(positions.toSorted((one, other) => Number(one - other)));
  });

  test("a grace longer than Node's longest timer: it is waited for, not asked for again and again", async () => {
    const { cluster, reconciler, told } = startReconciling({ graceMs: 40 * 24 * 3_600_000 });
    reconciler.apply([desiredOf(1)]);
    await after(0);
    cluster.put(placeOf(1), { paused: true, status: { updatedReplicas: 0 } });
    await after(0);
    told();
    const { lookups } = cluster;
    await after(1_000);
    expect(cluster.lookups).toBe(lookups);
    await after(41 * 24 * 3_600_000);
    expect(told()).toMatchObject([{ failureClass: DeployFailureClass.CONFLICT }]);
  });
});

describe("the fleet", () => {
  test("K8: before the cluster's objects are known nothing is written or told", async () => {
    const { reconciler, cluster, told } = startReconciling({ begun: false });
    reconciler.apply([desiredOf(1)]);
    reconciler.keepOnly(new Set(["s1"]));
    reconciler.changed(placeOf(1));
    await after(60_000);
    expect([cluster.calls, told(), reconciler.isSynced]).toEqual([[], [], false]);
    reconciler.begin();
    await after(0);
    expect(cluster.calls).toEqual(["s1@snt-1 2 new:2"]);
    expect(reconciler.isSynced).toBe(true);
  });

  test("an event of one Deployment: only its sentinel is looked at, however many there are", async () => {
    const { cluster, reconciler } = startReconciling({ inFlight: 1_000, perSecond: 10_000 });
    reconciler.apply(numbers(500).map((number) => desiredOf(number)));
    await after(0);
    const { lookups } = cluster;
    cluster.put(placeOf(7), { status: { availableReplicas: 0 } });
    reconciler.changed({ namespace: "elsewhere", name: "snt-7" });
    await after(0);
    expect(cluster.lookups - lookups).toBeLessThanOrEqual(4);
  });

  test("K7: it leaves hydra: its objects are removed, and nothing of it is kept or told", async () => {
    const { cluster, reconciler, told } = startReconciling();
    reconciler.apply([desiredOf(1), desiredOf(2)]);
    await after(0);
    told();
    reconciler.apply([desiredOf(1, { deleted: true })]);
    await after(0);
    expect(cluster.calls.slice(2)).toEqual(["remove s1@snt-1"]);
    expect(reconciler.size).toBe(1);
    cluster.put(placeOf(1), { paused: true });
    await after(60_000);
    expect(told()).toEqual([]);
  });

  test("one leaves that this agent has never known: removed all the same", async () => {
    const { cluster, reconciler } = startReconciling();
    reconciler.apply([desiredOf(1, { deleted: true })]);
    await after(0);
    expect([cluster.calls, reconciler.size]).toEqual([["remove s1@snt-1"], 0]);
  });

  test("K6, K7: what it leaves cannot be removed yet: tried again until it can, then forgotten", async () => {
    const { cluster, reconciler, told } = startReconciling();
    reconciler.apply([desiredOf(1)]);
    await after(0);
    told();
    cluster.onRemove = () => Promise.reject(new KubeError("no", 500, "InternalError"));
    reconciler.apply([desiredOf(1, { deleted: true })]);
    await after(5_000);
    expect([reconciler.size, told()]).toEqual([1, []]);
    cluster.onRemove = () => {};
    await after(10_000);
    expect([reconciler.size, told()]).toEqual([0, []]);
  });

  test("K7: it gets another place: the old one is cleaned up first", async () => {
    const { cluster, reconciler, told } = startReconciling();
    reconciler.apply([desiredOf(1)]);
    await after(0);
    told();
    reconciler.apply([desiredOf(1, { k8sName: "elsewhere", generation: 3n })]);
    await after(0);
    expect(cluster.calls.slice(1)).toEqual(["remove s1@snt-1", "s1@elsewhere 2 new:2"]);
    cluster.put(placeOf(1), {});
    await after(0);
    expect(told()).toMatchObject([{ sentinelId: "s1", observedGeneration: 3n }]);
  });

  test("J5, K6: a place of long ago cannot be cleaned up yet: nothing is told of a sentinel that runs as applied", async () => {
    const { cluster, reconciler, told, counts } = startReconciling();
    reconciler.apply([desiredOf(1)]);
    await after(0);
    told();
    cluster.onRemove = () => Promise.reject(new KubeError("no", 500, "InternalError"));
    reconciler.apply([desiredOf(1, { k8sName: "long-ago", deleted: true })]);
    await after(1_000);
    expect(counts.failed).toBeGreaterThan(0);
    expect(told()).toEqual([]);
    cluster.onRemove = () => {};
    await after(10_000);
    expect(cluster.calls.at(-1)).toBe("remove s1@long-ago");
    expect(told()).toEqual([]);
  });

  test("it leaves and comes back before its turn to be removed: it is not removed", async () => {
    const { cluster, reconciler } = startReconciling({ inFlight: 1 });
    reconciler.apply([desiredOf(1)]);
    await after(0);
    const turn = Promise.withResolvers<void>();
    cluster.onApply = async (desired) => {
      await turn.promise;
      return cluster.accept(desired);
    };
    reconciler.apply([desiredOf(2)]);
    await after(0);
    reconciler.apply([desiredOf(1, { deleted: true })]);
    await after(0);
    reconciler.apply([desiredOf(1)]);
    turn.resolve();
    await after(0);
    expect(cluster.calls.filter((call) => call.startsWith("remove"))).toEqual([]);
  });

  test.each([
    ["at once", false],
    ["later", true],
  ])("it comes back while it is being removed, and that is heard of %s: it is made anew", async (_, isDeaf) => {
    const { cluster, reconciler } = startReconciling();
    reconciler.apply([desiredOf(1)]);
    await after(0);
    const removing = Promise.withResolvers<void>();
    cluster.onRemove = async (_id, place) => {
      await removing.promise;
      cluster.delete(place);
    };
    reconciler.apply([desiredOf(1, { deleted: true })]);
    await after(0);
    reconciler.apply([desiredOf(1)]);
    if (isDeaf) cluster.deafen();
    removing.resolve();
    await after(0);
    cluster.listen();
    await after(60_000);
    expect(cluster.calls).toEqual(["s1@snt-1 2 new:2", "remove s1@snt-1", "s1@snt-1 2 new:2"]);
  });

  test("it leaves, and its id comes back elsewhere with numbers that begin anew: applied there", async () => {
    const { cluster, reconciler } = startReconciling();
    reconciler.apply([nextDeploy(1, 7, "new:7")]);
    await after(0);
    reconciler.apply([
      desiredOf(1, { deleted: true }),
      desiredOf(1, { k8sName: "elsewhere", generation: 1n, deployNumber: 0n }),
    ]);
    await after(0);
    expect(cluster.calls.slice(1)).toEqual(["remove s1@snt-1", "s1@elsewhere 0 new:2"]);
  });

  test("a full sync without some: they are removed", async () => {
    const { cluster, reconciler } = startReconciling();
    reconciler.apply(numbers(5).map((number) => desiredOf(number)));
    await after(0);
    reconciler.keepOnly(new Set(["s1", "s2", "s4"]));
    await after(0);
    expect(cluster.calls.slice(5).toSorted()).toEqual(["remove s3@snt-3", "remove s5@snt-5"]);
    expect(reconciler.size).toBe(3);
  });

  test("K9: a full sync without most of them: they are forgotten, and left as they are", async () => {
    const { cluster, reconciler } = startReconciling();
    reconciler.apply(numbers(5).map((number) => desiredOf(number)));
    await after(0);
    reconciler.keepOnly(new Set(["s1", "s2"]));
    await after(60_000);
    expect(cluster.calls.length).toBe(5);
    expect(reconciler.size).toBe(2);
  });

  test("many come, fail and leave: nothing is kept of them, not even a timer", async () => {
    const { cluster, reconciler } = startReconciling({ inFlight: 1_000, perSecond: 10_000 });
    cluster.onApply = (desired) => cluster.accept(desired, { paused: true, status: { updatedReplicas: 0 } });
    for (let round = 0; round < 5; round++) {
      const fleet = numbers(200).map((number) => round * 200 + number);
      reconciler.apply(fleet.map((number) => desiredOf(number)));
      await after(1_000);
      reconciler.apply(fleet.map((number) => desiredOf(number, { deleted: true })));
      await after(1_000);
      expect(reconciler.size).toBe(0);
    }
    await after(2_000);
    expect(vi.getTimerCount()).toBe(0);
    const { lookups } = cluster;
    for (const number of numbers(1_000)) reconciler.changed(placeOf(number));
    await after(0);
    expect(cluster.lookups).toBe(lookups);
  });
});

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
