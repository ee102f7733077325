import { describe, expect, test } from "vitest";
import { judgeUnapplied } from "../../../../src/agent/kubernetes/convergence/index.ts";
import { DeployFailureClass } from "../../../../src/gen/hydra/v1/cluster_pb.ts";
import { SentinelDesiredState, SentinelHealth } from "../../../../src/gen/hydra/v1/sentinel_pb.ts";
import {
  afterGrace,
  container,
  converged,
  GRACE_MS,
  look,
  NEW_IMAGE,
  observer,
  OLD_IMAGE,
  pod,
  rolling,
  waitingPod,
} from "./situations.ts";

const READY = { health: SentinelHealth.HEALTHY, runningImage: NEW_IMAGE, failure: undefined, progress: "", drift: "" };

describe("convergence", () => {
  test("all replicas updated and available, none of the old left: converged", () => {
    expect(look(converged())).toMatchObject({ ...READY, availableReplicas: 1, observedGeneration: 2n });
  });

  test.each([
    ["the change is yet to be seen", { observedGeneration: 1 }, "Deployment controller has not seen the change yet"],
    ["an old one is left", { replicas: 2 }, "1 of 1 pods updated, 1 of 1 available, 1 old one left"],
    ["not all are updated", { updatedReplicas: 0 }, "0 of 1 pods updated, 1 of 1 available, 1 old one left"],
    ["one is not available", { availableReplicas: 0 }, "1 of 1 pods updated, 0 of 1 available"],
    ["one is unavailable", { unavailableReplicas: 1 }, "1 of 1 pods updated, 1 of 1 available"],
  ])("%s: it waits, and says for what", (_, status, words) => {
    const verdict = look(converged({ status }));
    expect(verdict).toMatchObject({ health: SentinelHealth.UNHEALTHY, failure: undefined });
    expect(verdict.progress).toContain(words);
  });

  test("a change that is yet to be seen: nothing counts as observed, and no more is told than what runs", () => {
    const verdict = look(rolling({ status: { observedGeneration: 1 }, newPods: [] }));
    expect(verdict).toMatchObject({ observedGeneration: 0n, runningImage: OLD_IMAGE });
  });

  test("pods of both images run: no image is told; the new one does not: the old one is", () => {
    expect(look(rolling({ newPods: [pod("new-a", { ready: true })] })).runningImage).toBe("");
    expect(look(rolling()).runningImage).toBe(OLD_IMAGE);
  });

  test("a pod that does not get ready: it is named, with what its container waits for", () => {
    const waiting = { reason: "ContainerCreating", message: "" };
    const init = container({ name: "init", ready: true });
    const newPods = [pod("new-a", { containers: [init, container({ waiting })] })];
    expect(look(rolling({ newPods })).progress).toBe(
      "1 of 1 pods updated, 1 of 1 available, 1 old one left; pod new-a: container sentinel waits, ContainerCreating",
    );
    expect(look(rolling()).progress).toContain("pod new-a: container sentinel is not ready");
  });

  test("more replicas than the sentinel's row names: converged, and drift unless an autoscaler decides", () => {
    const status = { replicas: 3, updatedReplicas: 3, availableReplicas: 3 };
    const scaled = { deployment: { replicas: 3, owners: { replicas: "kubectl-edit" } }, status };
    const drift = "replicas is 3, not 1 (by kubectl-edit)";
    expect(look(converged(scaled))).toMatchObject({ ...READY, drift });
    const autoscaler = { namespace: "fleet", name: "hpa", minReplicas: 1, maxReplicas: 5 };
    expect(look(converged({ ...scaled, autoscaler }))).toMatchObject(READY);
  });

  test("replicas 0 that hydra does not set: there is nothing to wait for", () => {
    const status = { replicas: 0, updatedReplicas: 0, availableReplicas: 0, unavailableReplicas: 0 };
    const given = { desired: { desiredReplicas: 0 }, deployment: { replicas: 0 }, status, newPods: [], oldPods: [] };
    expect(look(rolling(given))).toMatchObject({ ...READY, availableReplicas: 0 });
  });

  test("minReadySeconds and progressDeadlineSeconds longer than hydra waits: said while it waits", () => {
    const deployment = { minReadySeconds: 120, progressDeadlineSeconds: 600 };
    const { progress } = look(rolling({ deployment, deployTimeoutMs: 60_000 }));
    expect(progress).toContain("its minReadySeconds (120) is longer than the 60 s that hydra waits for a deploy");
    expect(progress).toContain("its progressDeadlineSeconds (600) is longer than the 60 s");
    const none = { progressDeadlineSeconds: 2 ** 31 - 1 };
    expect(look(rolling({ deployment: none, deployTimeoutMs: 60_000 })).progress).not.toContain("Deadline");
    expect(look(rolling({ deployment, deployTimeoutMs: 600_000 })).progress).not.toContain("longer");
  });
});

describe("other states than running", () => {
  const standby = { desiredState: SentinelDesiredState.STANDBY };

  test("standby: pods are left until they have gone, then it is paused and runs nothing", () => {
    const scaling = rolling({ desired: standby, deployment: { replicas: 0 }, status: { replicas: 2 } });
    expect(look(scaling)).toMatchObject({
      health: SentinelHealth.UNKNOWN,
      progress: "2 pods are left to be scaled down",
    });
    const atRest = rolling({ desired: standby, deployment: { replicas: 0 }, status: { replicas: 0 } });
    expect(look(atRest)).toMatchObject({ health: SentinelHealth.PAUSED, runningImage: "", progress: "", drift: "" });
  });

  test("standby, and somebody scales it up: drift", () => {
    const given = { desired: standby, deployment: { replicas: 3, owners: { replicas: "hand" } } };
    expect(look(rolling(given)).drift).toBe("replicas is 3, not 0 (by hand)");
  });

  test("G3: bad news of before a standby does not count after it", () => {
    const at = observer();
    at(rolling({ newPods: [waitingPod("ErrImagePull")] }), 0);
    at(rolling({ desired: standby, deployment: { replicas: 0 }, status: { replicas: 0 } }), 1_000);
    const again = at(rolling({ newPods: [waitingPod("ErrImagePull")] }), 60_000);
    expect(again).toMatchObject({ failure: undefined, recheckAtMs: 60_000 + GRACE_MS });
  });

  test("archived: nothing is waited for, there or not", () => {
    const desired = { desiredState: SentinelDesiredState.ARCHIVED };
    for (const deployment of [{}, null]) {
      expect(afterGrace(rolling({ desired, deployment }))).toMatchObject({
        health: SentinelHealth.UNKNOWN,
        runningImage: "",
        observedGeneration: 2n,
        failure: undefined,
        progress: "",
        drift: "",
      });
    }
  });
});

describe("what could not be applied", () => {
  const failure = { failureClass: DeployFailureClass.QUOTA, reason: "exceeded quota" };
  const before = { desired: { image: "newer:3", generation: 3n, deployNumber: 3n } };

  test("refused: it is as it was, without drift, and the failure is told", () => {
    const verdict = judgeUnapplied(converged(before), { failure, reason: failure.reason });
    const { HEALTHY: health } = SentinelHealth;
    expect(verdict).toMatchObject({ health, runningImage: NEW_IMAGE, availableReplicas: 1, drift: "", failure });
    expect(verdict.observedGeneration).toBe(2n);
  });

  test("trouble that may pass: it is told as what is waited for, and is no failure", () => {
    const verdict = judgeUnapplied(converged(before), { reason: "no answer" });
    expect(verdict).toMatchObject({ progress: "no answer", failure: undefined });
  });

  test("J5: only resources change, the image runs already: it does not look as if it had converged", () => {
    const onlyCpu = converged({ desired: { cpuMillicores: 500, generation: 3n, deployNumber: 3n } });
    for (const hindrance of [{ reason: "no answer" }, { failure, reason: failure.reason }]) {
      expect(judgeUnapplied(onlyCpu, hindrance).health).toBe(SentinelHealth.UNKNOWN);
    }
  });

  test.each([
    ["there is no Deployment", null],
    ["it is another sentinel's Deployment yet", { sentinelId: "s9", appliedGeneration: 7n }],
  ])("%s: nothing runs, and nothing has been observed", (_, deployment) => {
    const verdict = judgeUnapplied(converged({ deployment }), { failure, reason: failure.reason });
    expect(verdict).toMatchObject({ health: SentinelHealth.UNKNOWN, runningImage: "", availableReplicas: 0, failure });
    expect(verdict.observedGeneration).toBe(0n);
  });
});
