import { describe, expect, test } from "vitest";
import { DeployFailureClass } from "../../../../src/gen/hydra/v1/cluster_pb.ts";
import { SentinelHealth } from "../../../../src/gen/hydra/v1/sentinel_pb.ts";
import {
  afterGrace,
  containerSpec,
  converged,
  GRACE_MS,
  look,
  NEW_IMAGE,
  observer,
  rolling,
  waitingPod,
} from "./situations.ts";

const { CONFLICT, MISSING } = DeployFailureClass;

describe("somebody else decides on what hydra should", () => {
  const byFlux = { deployment: { containers: [containerSpec("old:1")], owners: { image: "flux" } } };

  test("the image is put back: it is named by whom, as failure and as drift", () => {
    const verdict = afterGrace(rolling(byFlux));
    expect(verdict.failure).toEqual({
      failureClass: CONFLICT,
      reason: "image is old:1 again, not new:2 (by flux): stop whoever sets it, then deploy again",
    });
    expect(verdict.drift).toBe("image is old:1, not new:2 (by flux)");
  });

  test("the image is put back, and what runs then crashes: the crash says nothing about the deploy", () => {
    const newPods = [waitingPod("ErrImagePull")];
    expect(afterGrace(rolling({ ...byFlux, newPods })).failure?.failureClass).toBe(CONFLICT);
  });

  test("the image is put back for a moment: no failure", () => {
    const at = observer();
    at(rolling(byFlux), 0);
    expect(at(rolling(), GRACE_MS).failure).toBeUndefined();
  });

  test("the container has gone: said as failure and as drift", () => {
    const containers = [{ ...containerSpec(NEW_IMAGE), name: "app" }];
    const verdict = afterGrace(rolling({ deployment: { containers } }));
    expect(verdict.failure?.reason).toBe("no container is named sentinel any more");
    expect(verdict.drift).toBe("there is no container sentinel");
  });

  test("the Deployment is paused: it fails with the command that lets it go on", () => {
    expect(afterGrace(rolling({ deployment: { paused: true } })).failure).toEqual({
      failureClass: CONFLICT,
      reason: "the Deployment is paused in the cluster: kubectl rollout resume deployment snt-1 -n fleet",
    });
  });

  test("paused, but all of it runs: converged", () => {
    expect(afterGrace(converged({ deployment: { paused: true } }))).toMatchObject({ failure: undefined, progress: "" });
  });

  test("fewer replicas than the sentinel's row names: by whom", () => {
    const given = { desired: { desiredReplicas: 3 }, deployment: { owners: { replicas: "kubectl-scale" } } };
    expect(afterGrace(converged(given)).failure?.reason).toBe("replicas is 1, not 3 (by kubectl-scale)");
  });

  test("scaled to 0 by hand, though the sentinel's row names replicas: not converged", () => {
    const status = { replicas: 0, updatedReplicas: 0, availableReplicas: 0, unavailableReplicas: 0 };
    const verdict = afterGrace(rolling({ deployment: { replicas: 0 }, status, newPods: [], oldPods: [] }));
    expect(verdict.failure?.failureClass).toBe(CONFLICT);
  });

  test("an autoscaler keeps fewer: it is named, with what to do", () => {
    const autoscaler = { namespace: "fleet", name: "hpa", minReplicas: 1, maxReplicas: 2 };
    const verdict = afterGrace(converged({ desired: { desiredReplicas: 3 }, autoscaler }));
    expect(verdict.failure?.reason).toBe(
      "replicas is 1, not 3: HorizontalPodAutoscaler hpa decides on it (1 to 2); " +
        "set the sentinel's desired_replicas to 0 to leave them to it",
    );
  });

  test("a newer deploy than this hydra knows of has been applied: it says so, and how to go on", () => {
    const verdict = afterGrace(rolling({ deployment: { appliedDeploy: 9n, appliedGeneration: 7n } }));
    expect(verdict.failure?.failureClass).toBe(CONFLICT);
    expect(verdict.failure?.reason).toContain("deploy 9 of generation 7 has been applied already");
    expect(verdict.failure?.reason).toContain(
      "kubectl annotate deployment snt-1 -n fleet hydra.dev/deploy- hydra.dev/generation-",
    );
  });
});

describe("the sentinel's Deployment is not there", () => {
  test.each([
    ["deleted", rolling({ deployment: null }), "somebody has deleted Deployment fleet/snt-1"],
    ["being deleted", converged({ deployment: { terminating: true } }), "Deployment fleet/snt-1 is being deleted"],
    [
      "without hydra's label",
      rolling({ deployment: null, unlabelled: true }),
      "kubectl label deployment snt-1 -n fleet hydra.dev/sentinel.id=s1",
    ],
  ])("%s: told as drift at once, and after the grace as failure", (_, situation, words) => {
    const verdict = look(situation);
    expect(verdict).toMatchObject({ health: SentinelHealth.UNKNOWN, failure: undefined, recheckAtMs: GRACE_MS });
    expect(verdict.drift).toContain(words);
    expect(verdict.progress).toContain(words);
    const { failure } = afterGrace(situation);
    expect(failure?.failureClass).toBe(MISSING);
    expect(failure?.reason).toContain(words);
  });

  test("it has become another sentinel's: a conflict, and nothing that it runs counts as this one's", () => {
    const verdict = afterGrace(converged({ deployment: { sentinelId: "s9" } }));
    expect(verdict).toMatchObject({ health: SentinelHealth.UNKNOWN, runningImage: "", availableReplicas: 0 });
    expect(verdict.failure?.failureClass).toBe(CONFLICT);
    expect(verdict.failure?.reason).toContain("Deployment fleet/snt-1 is sentinel s9's now");
    expect(verdict.drift).toBe(verdict.failure?.reason);
  });

  test("somebody makes it anew in time: no failure", () => {
    const at = observer();
    at(rolling({ deployment: null }), 0);
    expect(at(rolling({ deployment: { uid: "deployment-2" } }), GRACE_MS).failure).toBeUndefined();
  });
});

describe("drift", () => {
  test("resources differ, or are not set: each is told; those that are not hydra's to set are not", () => {
    const containers = [{ ...containerSpec(NEW_IMAGE), cpuMillicores: 250, memoryMib: undefined }];
    const deployment = { containers };
    const desired = { cpuMillicores: 500, memoryMib: 64 };
    expect(look(converged({ deployment, desired })).drift).toBe("cpu is 250m, not 500m; memory is unset, not 64Mi");
    expect(look(converged({ deployment })).drift).toBe("");
  });

  test("hydra itself is on record for the field: nobody is named", () => {
    const deployment = { containers: [containerSpec("old:1")], owners: { image: "hydra" } };
    expect(look(rolling({ deployment })).drift).toBe("image is old:1, not new:2");
  });
});
