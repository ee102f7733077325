import { describe, expect, test } from "vitest";
import { DeployFailureClass } from "../../../../src/gen/hydra/v1/cluster_pb.ts";
import { CRASHED, crashing, podWith, unschedulable, unschedulablePod } from "./bad-news.ts";
import { afterGrace, condition, converged, GRACE_MS, look, observer, pod, rolling, waitingPod } from "./situations.ts";

const { IMAGE_PULL, CRASH_LOOP, PROGRESS_DEADLINE } = DeployFailureClass;

describe("the grace", () => {
  const pull = rolling({ newPods: [waitingPod("ErrImagePull")] });
  const backOff = rolling({ newPods: [waitingPod("ImagePullBackOff")] });

  test("G1: an error that passes, and comes again later: the grace begins anew", () => {
    const at = observer();
    at(pull, 0);
    at(rolling(), GRACE_MS - 1);
    expect(at(pull, GRACE_MS)).toMatchObject({ failure: undefined, recheckAtMs: 2 * GRACE_MS });
    expect(at(pull, 2 * GRACE_MS).failure?.failureClass).toBe(IMAGE_PULL);
  });

  test("G1: other words, another pod, the same class: it goes on", () => {
    const at = observer();
    at(pull, 0);
    at(backOff, GRACE_MS / 2);
    const other = pod("new-b", { containers: waitingPod("ErrImagePull").containers });
    expect(at(rolling({ newPods: [other] }), GRACE_MS).failure?.reason).toContain("(pod new-b)");
  });

  test("G1: another class has its own grace, and the sooner end is waited for", () => {
    const at = observer();
    at(pull, 0);
    const both = rolling({ newPods: [waitingPod("ErrImagePull"), unschedulablePod("new-b")] });
    expect(at(both, 10_000).recheckAtMs).toBe(GRACE_MS);
    expect(at(unschedulable("Unschedulable"), GRACE_MS).recheckAtMs).toBe(10_000 + GRACE_MS);
  });

  test("two are over: the nearer to the cause is told", () => {
    const newPods = [unschedulablePod("new-a"), pod("new-b", { containers: waitingPod("ErrImagePull").containers })];
    expect(afterGrace(rolling({ newPods })).failure?.failureClass).toBe(IMAGE_PULL);
  });

  test("no grace at all: bad news fails at once", () => {
    expect(observer(0)(pull, 5)).toMatchObject({ failure: { failureClass: IMAGE_PULL }, recheckAtMs: undefined });
  });

  test("G3: the next deploy, or another Deployment in its place, has a grace of its own", () => {
    const newPods = [waitingPod("ErrImagePull")];
    const desired = { deployNumber: 3n };
    for (const next of [
      rolling({ desired, deployment: { appliedDeploy: 3n }, newPods }),
      rolling({ deployment: { uid: "deployment-2" }, newPods }),
    ]) {
      const at = observer();
      at(pull, 0);
      expect(at(pull, GRACE_MS).failure).toBeDefined();
      expect(at(next, GRACE_MS + 1)).toMatchObject({ failure: undefined, recheckAtMs: 2 * GRACE_MS + 1 });
    }
  });

  test("it comes up after all: no failure any more, and nothing is remembered", () => {
    const at = observer();
    at(pull, 0);
    at(pull, GRACE_MS);
    const verdict = at(converged(), GRACE_MS + 1);
    expect(verdict).toMatchObject({ failure: undefined, progress: "", recheckAtMs: undefined });
    expect(verdict.memory.since.size).toBe(0);
  });
});

describe("a crash loop", () => {
  const inBackOff = crashing({ restarts: 2, terminated: CRASHED });
  const starting = podWith({ restarts: 3, terminated: CRASHED });

  test("a single crash is none", () => {
    expect(look(podWith({ restarts: 1, terminated: CRASHED })).recheckAtMs).toBeUndefined();
  });

  test("G4: it runs between two crashes: that is no end of the loop", () => {
    const at = observer();
    at(inBackOff, 0);
    expect(at(starting, 20_000).progress).toContain("crashes");
    expect(at(inBackOff, GRACE_MS).failure?.failureClass).toBe(CRASH_LOOP);
  });

  test("G4: after a few crashes it runs and takes long to get ready: it has not failed by them", () => {
    const at = observer();
    at(inBackOff, 0);
    for (const nowMs of [10_000, GRACE_MS, 5 * GRACE_MS]) {
      expect(at(starting, nowMs)).toMatchObject({ failure: undefined, recheckAtMs: undefined });
    }
  });

  test("G4: the first look finds it running after crashes: the grace begins with the next one", () => {
    const at = observer();
    at(starting, 0);
    expect(at(inBackOff, GRACE_MS)).toMatchObject({ failure: undefined, recheckAtMs: 2 * GRACE_MS });
  });

  test("G4: its command fails in turns with the back-off: one loop", () => {
    const failing = rolling({
      newPods: [waitingPod("RunContainerError", "no such file", { restarts: 3, terminated: CRASHED })],
    });
    const at = observer();
    at(inBackOff, 0);
    at(failing, 20_000);
    expect(at(inBackOff, GRACE_MS).failure?.failureClass).toBe(CRASH_LOOP);
  });
});

describe("the progress deadline", () => {
  const exceeded = (since: number) => ({
    conditions: [
      condition({
        type: "Progressing",
        status: "False",
        reason: "ProgressDeadlineExceeded",
        message: 'ReplicaSet "snt-1-5d" has timed out progressing.',
        since,
      }),
    ],
  });
  const reason =
    'no progress within the Deployment\'s progressDeadlineSeconds (60): ReplicaSet "snt-1-5d" has timed out progressing.';
  const deployment = { progressDeadlineSeconds: 60 };

  test("G2: exceeded while the deploy runs: it fails at once", () => {
    const at = observer();
    at(rolling({ deployment }), 0);
    const verdict = at(rolling({ deployment, status: exceeded(5_000) }), 1);
    expect(verdict.failure).toEqual({ failureClass: PROGRESS_DEADLINE, reason, atOnce: true });
  });

  test("G2: there is bad news of a pod besides: that is told as the cause, without a grace", () => {
    const at = observer();
    at(rolling({ deployment }), 0);
    const newPods = [waitingPod("ErrImagePull")];
    expect(at(rolling({ deployment, newPods, status: exceeded(5_000) }), 1).failure?.failureClass).toBe(IMAGE_PULL);
  });

  test("G3: exceeded by the deploy before: it counts only if it stays", () => {
    const at = observer();
    const before = rolling({ deployment, status: { observedGeneration: 1, ...exceeded(5_000) } });
    expect(at(before, 0).recheckAtMs).toBeUndefined();
    expect(at(rolling({ deployment, status: exceeded(5_000) }), 1).failure).toBeUndefined();
    expect(at(rolling({ deployment, status: exceeded(5_000) }), 1 + GRACE_MS).failure?.reason).toBe(reason);
  });
});
