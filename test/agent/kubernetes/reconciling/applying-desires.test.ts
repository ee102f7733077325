import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { KubeError } from "../../../../src/agent/kubernetes/kube-client.ts";
import { DeployFailureClass } from "../../../../src/gen/hydra/v1/cluster_pb.ts";
import { SentinelHealth } from "../../../../src/gen/hydra/v1/sentinel_pb.ts";
import { after, desiredOf, nextDeploy, placeOf, restoreTime, startReconciling, stopTime } from "./reconciling.ts";

beforeEach(stopTime);
afterEach(restoreTime);

describe("a desire", () => {
  test("something new: it is written once, and told once", async () => {
    const { cluster, reconciler, told, counts } = startReconciling();
    reconciler.apply([desiredOf(1)]);
    await after(0);
    reconciler.apply([desiredOf(1)]);
    await after(60_000);
    expect(cluster.calls).toEqual(["s1@snt-1 2 new:2"]);
    expect(told()).toMatchObject([{ sentinelId: "s1", deployNumber: 2n, health: SentinelHealth.HEALTHY }]);
    expect(counts).toEqual({ applied: 1, refused: 0, failed: 0 });
  });

  test("K1: newer ones come before the write's turn: only the newest is written", async () => {
    const { cluster, reconciler } = startReconciling({ inFlight: 1 });
    const turn = Promise.withResolvers<void>();
    cluster.onApply = async (desired) => {
      if (desired.sentinelId === "s1") await turn.promise;
      return cluster.accept(desired);
    };
    reconciler.apply([desiredOf(1), nextDeploy(2, 2, "new:2")]);
    await after(0);
    reconciler.apply([nextDeploy(2, 3, "new:3")]);
    reconciler.apply([nextDeploy(2, 4, "new:4")]);
    turn.resolve();
    await after(0);
    expect(cluster.calls).toEqual(["s1@snt-1 2 new:2", "s2@snt-2 4 new:4"]);
  });

  test("K2: a newer one comes during the write: written after it", async () => {
    const { cluster, reconciler } = startReconciling();
    const writing = Promise.withResolvers<void>();
    cluster.onApply = async (desired) => {
      await writing.promise;
      return cluster.accept(desired);
    };
    reconciler.apply([nextDeploy(1, 2, "new:2")]);
    await after(0);
    reconciler.apply([nextDeploy(1, 3, "new:3")]);
    await after(0);
    expect(cluster.calls).toEqual(["s1@snt-1 2 new:2"]);
    writing.resolve();
    await after(0);
    expect(cluster.calls).toEqual(["s1@snt-1 2 new:2", "s1@snt-1 3 new:3"]);
  });

  test("applied before this agent began: nothing is written", async () => {
    const { cluster, reconciler, told } = startReconciling();
    cluster.accept(desiredOf(1));
    reconciler.apply([desiredOf(1)]);
    await after(0);
    expect(cluster.calls).toEqual([]);
    expect(told()).toMatchObject([{ deployNumber: 2n, observedGeneration: 2n, health: SentinelHealth.HEALTHY }]);
  });

  test("another agent has applied the newer one before this one hears of it: it is left at that", async () => {
    const { cluster, reconciler, told } = startReconciling();
    reconciler.apply([nextDeploy(1, 2, "new:2")]);
    await after(0);
    cluster.accept(nextDeploy(1, 3, "new:3"));
    reconciler.apply([nextDeploy(1, 3, "new:3")]);
    await after(0);
    expect(cluster.calls).toEqual(["s1@snt-1 2 new:2"]);
    expect(told().at(-1)).toMatchObject({ deployNumber: 3n, health: SentinelHealth.HEALTHY });
  });

  test("K3: somebody changes the Deployment: nothing is written, drift is told", async () => {
    const { cluster, reconciler, told } = startReconciling();
    reconciler.apply([desiredOf(1)]);
    await after(0);
    cluster.put(placeOf(1), { replicas: 2, owners: { replicas: "kubectl-scale" } });
    await after(60_000);
    expect(cluster.calls.length).toBe(1);
    expect(told().at(-1)?.drift).toBe("replicas is 2, not 1 (by kubectl-scale)");
  });

  test("K3: the Deployment gets the label of another sentinel: nothing is written, until the next deploy", async () => {
    const { cluster, reconciler, told } = startReconciling();
    reconciler.apply([desiredOf(1)]);
    await after(0);
    cluster.put(placeOf(1), { sentinelId: "s9", appliedDeploy: 1n, appliedGeneration: 1n });
    await after(60_000);
    expect(cluster.calls).toEqual(["s1@snt-1 2 new:2"]);
    expect(told().at(-1)).toMatchObject({ failureClass: DeployFailureClass.CONFLICT });
    reconciler.apply([nextDeploy(1, 3, "new:3")]);
    await after(0);
    expect(cluster.calls.at(-1)).toBe("s1@snt-1 3 new:3");
  });

  test("the same numbers with another configuration: it is not taken for the same desire", async () => {
    const { cluster, reconciler } = startReconciling();
    reconciler.apply([desiredOf(1)]);
    await after(0);
    reconciler.apply([desiredOf(1, { image: "other:2" })]);
    for (let sync = 0; sync < 3; sync++) reconciler.keepOnly(new Set(["s1"]));
    await after(0);
    expect(cluster.calls).toEqual(["s1@snt-1 2 new:2", "s1@snt-1 2 other:2"]);
  });

  test("another sentinel's Deployment, and nothing has ever been applied there for this one: it is taken", async () => {
    const { cluster, reconciler } = startReconciling();
    cluster.put(placeOf(1), { sentinelId: "s9" });
    reconciler.apply([desiredOf(1)]);
    await after(0);
    expect(cluster.calls).toEqual(["s1@snt-1 2 new:2"]);
  });

  test("K4: the watch is behind the write: nothing is told of how it was before", async () => {
    const { cluster, reconciler, told } = startReconciling();
    cluster.accept(nextDeploy(1, 1, "old:1"));
    await after(0);
    cluster.deafen();
    reconciler.apply([nextDeploy(1, 2, "new:2")]);
    await after(0);
    reconciler.changed(placeOf(1));
    await after(60_000);
    expect([cluster.calls.length, told()]).toEqual([1, []]);
    cluster.listen();
    await after(0);
    expect(told()).toMatchObject([{ deployNumber: 2n, runningImage: "new:2" }]);
  });

  test("K4: a newer one comes while the watch is behind: it is written without waiting", async () => {
    const { cluster, reconciler } = startReconciling();
    cluster.deafen();
    reconciler.apply([nextDeploy(1, 2, "new:2")]);
    await after(0);
    reconciler.apply([nextDeploy(1, 3, "new:3")]);
    await after(0);
    expect(cluster.calls).toEqual(["s1@snt-1 2 new:2", "s1@snt-1 3 new:3"]);
  });
});

describe("a Deployment that is not there", () => {
  test("applied once, and deleted by somebody: it is not made again, and after the grace that is a failure", async () => {
    const { cluster, reconciler, told } = startReconciling();
    reconciler.apply([desiredOf(1)]);
    await after(0);
    cluster.delete(placeOf(1));
    await after(0);
    expect(told().at(-1)).toMatchObject({ failureClass: DeployFailureClass.UNSPECIFIED, deploymentUid: "" });
    await after(30_001);
    expect(told()).toMatchObject([{ failureClass: DeployFailureClass.MISSING }]);
    expect(cluster.calls.length).toBe(1);
  });

  test("an agent before this one has applied it, as hydra says: it is not made again", async () => {
    const { cluster, reconciler } = startReconciling();
    reconciler.apply([desiredOf(1, { observedGeneration: 2n, observedDeployNumber: 2n })]);
    await after(0);
    expect(cluster.calls).toEqual([]);
  });

  test("this agent's own report that it cannot make it yet comes back from hydra: it is made all the same", async () => {
    const { cluster, reconciler } = startReconciling();
    cluster.onApply = () => Promise.reject(new KubeError("etcd is gone", 503, "ServiceUnavailable"));
    reconciler.apply([desiredOf(1, { observedGeneration: 2n, observedDeployNumber: 1n })]);
    await after(1_000);
    const tries = cluster.calls.length;
    cluster.onApply = (desired) => cluster.accept(desired);
    reconciler.apply([desiredOf(1, { observedGeneration: 2n, observedDeployNumber: 2n })]);
    reconciler.keepOnly(new Set(["s1"]));
    await after(10_000);
    expect(cluster.calls.length).toBe(tries + 1);
  });

  test("it comes while the cluster is asked for it: that counts", async () => {
    const { cluster, reconciler, told } = startReconciling();
    const asked = Promise.withResolvers<boolean>();
    cluster.onExists = () => asked.promise;
    reconciler.apply([desiredOf(1, { observedGeneration: 2n, observedDeployNumber: 2n })]);
    await after(0);
    cluster.accept(desiredOf(1));
    await after(0);
    asked.resolve(true);
    await after(0);
    expect(told()).toMatchObject([{ health: SentinelHealth.HEALTHY }]);
  });

  test("K1: something newer is desired while the cluster is asked for it: that does not wait for the answer", async () => {
    const { cluster, reconciler, told } = startReconciling();
    cluster.onExists = () => new Promise(() => {});
    reconciler.apply([desiredOf(1, { observedGeneration: 2n, observedDeployNumber: 2n })]);
    await after(0);
    reconciler.apply([nextDeploy(1, 3, "new:3")]);
    await after(0);
    expect(cluster.calls).toEqual(["s1@snt-1 3 new:3"]);
    expect(told()).toMatchObject([{ deployNumber: 3n, health: SentinelHealth.HEALTHY }]);
  });

  test("it is there, but has lost its label: said with the command to put it back", async () => {
    const { cluster, reconciler, told } = startReconciling();
    cluster.onExists = () => true;
    reconciler.apply([desiredOf(1, { observedGeneration: 2n, observedDeployNumber: 2n })]);
    await after(0);
    expect(told()[0]?.drift).toContain("kubectl label deployment snt-1 -n fleet hydra.dev/sentinel.id=s1");
  });
});
