import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { KubeError } from "../../../../src/agent/kubernetes/kube-client.ts";
import { DeployFailureClass } from "../../../../src/gen/hydra/v1/cluster_pb.ts";
import { SentinelHealth } from "../../../../src/gen/hydra/v1/sentinel_pb.ts";
import { after, desiredOf, nextDeploy, placeOf, restoreTime, startReconciling, stopTime } from "./reconciling.ts";

const REFUSAL = { failureClass: DeployFailureClass.FORBIDDEN, reason: "denied by policy" };

beforeEach(stopTime);
afterEach(restoreTime);

describe("a refusal", () => {
  test("K5: told with the deploy's own number, and not tried again by itself", async () => {
    const { cluster, reconciler, told, counts } = startReconciling();
    cluster.accept(nextDeploy(1, 1, "old:1"));
    cluster.onApply = () => ({ kind: "refused", deployment: undefined, failure: REFUSAL });
    reconciler.apply([nextDeploy(1, 2, "new:2")]);
    await after(0);
    const refused = { deployNumber: 2n, ...REFUSAL, runningImage: "old:1", observedGeneration: 1n };
    expect(told()).toMatchObject([refused]);
    cluster.put(placeOf(1), { status: { availableReplicas: 0 } });
    await after(60_000);
    expect(told()).toMatchObject([{ ...refused, runningImage: "", availableReplicas: 0 }]);
    expect([cluster.calls.length, counts.refused]).toEqual([1, 1]);
  });

  test("K5: tried again once everything is compared anew, and when something new is desired", async () => {
    const { cluster, reconciler, told } = startReconciling();
    cluster.onApply = () => ({ kind: "refused", deployment: undefined, failure: REFUSAL });
    reconciler.apply([nextDeploy(1, 2, "new:2")]);
    await after(0);
    reconciler.keepOnly(new Set(["s1"]));
    await after(0);
    expect(cluster.calls.length).toBe(2);
    cluster.onApply = (desired) => cluster.accept(desired);
    reconciler.apply([nextDeploy(1, 3, "new:3")]);
    await after(0);
    expect(cluster.calls.length).toBe(3);
    expect(told().at(-1)).toMatchObject({ deployNumber: 3n, failureClass: DeployFailureClass.UNSPECIFIED });
  });
});

describe("trouble that passes", () => {
  test.each([
    new KubeError("the object has been modified", 409, "Conflict"),
    new KubeError("etcdserver: leader changed", 500, "InternalError"),
    new KubeError("connect ECONNREFUSED", 0, "Unreachable"),
  ])("K6: %s: tried again after waits that grow, told as what is waited for, never as a failure", async (error) => {
    const { cluster, reconciler, told, counts } = startReconciling();
    cluster.onApply = () => Promise.reject(error);
    reconciler.apply([desiredOf(1)]);
    await after(0);
    expect(cluster.calls.length).toBe(1);
    await after(3_200);
    const early = cluster.calls.length;
    expect(early).toBeGreaterThanOrEqual(5);
    expect(early).toBeLessThanOrEqual(7);
    await after(100_000);
    expect(cluster.calls.length - early).toBeLessThanOrEqual(22);
    expect(cluster.calls.length - early).toBeGreaterThanOrEqual(9);
    const waiting = { deployNumber: 2n, failureClass: DeployFailureClass.UNSPECIFIED };
    expect(told()).toMatchObject([{ ...waiting, reason: expect.stringContaining(`trying again: ${error.message}`) }]);
    cluster.onApply = (desired) => cluster.accept(desired);
    await after(10_000);
    expect(told()).toMatchObject([{ ...waiting, health: SentinelHealth.HEALTHY, reason: "" }]);
    expect(counts).toMatchObject({ applied: 1, failed: cluster.calls.length - 1 });
  });

  test("K1: a newer desire ends the wait", async () => {
    const { cluster, reconciler } = startReconciling();
    cluster.onApply = () => Promise.reject(new KubeError("overloaded", 429, "TooManyRequests", [], 120_000));
    reconciler.apply([nextDeploy(1, 2, "new:2")]);
    await after(60_000);
    expect(cluster.calls.length).toBe(1);
    reconciler.apply([nextDeploy(1, 3, "new:3")]);
    await after(0);
    expect(cluster.calls).toEqual(["s1@snt-1 2 new:2", "s1@snt-1 3 new:3"]);
  });

  test("it does not hold the others up", async () => {
    const { cluster, reconciler } = startReconciling({ inFlight: 1 });
    cluster.onApply = (desired) => {
      if (desired.sentinelId === "s1") throw new KubeError("no", 500, "InternalError");
      return cluster.accept(desired);
    };
    reconciler.apply([1, 2, 3].map((number) => desiredOf(number)));
    await after(0);
    expect(cluster.calls.length).toBe(3);
  });
});

test("stopped: nothing is begun, nothing is told, and no timer is left", async () => {
  const { cluster, reconciler, told, stop } = startReconciling({ inFlight: 1 });
  const writing = Promise.withResolvers<never>();
  cluster.accept(desiredOf(3));
  reconciler.apply([desiredOf(3)]);
  await after(0);
  cluster.delete(placeOf(3));
  await after(0);
  cluster.onApply = () => writing.promise;
  reconciler.apply([desiredOf(1), desiredOf(2)]);
  await after(0);
  told();
  stop();
  writing.reject(new Error("aborted"));
  reconciler.apply([desiredOf(4)]);
  await after(600_000);
  expect(cluster.calls).toEqual(["s1@snt-1 2 new:2"]);
  expect(told()).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});
