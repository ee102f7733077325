import { describe, expect, test } from "vitest";
import type { Situation } from "../../../../src/agent/kubernetes/convergence/index.ts";
import { DeployFailureClass } from "../../../../src/gen/hydra/v1/cluster_pb.ts";
import { BACK_OFF, CRASHED, crashing, podWith, refusedPods, refusedReplicaSet, unschedulable } from "./bad-news.ts";
import { afterGrace, container, GRACE_MS, observer, pod, rolling, waitingPod } from "./situations.ts";

const { IMAGE_PULL, CRASH_LOOP, UNSCHEDULABLE, QUOTA, FORBIDDEN, REJECTED, INVALID_CONFIG } = DeployFailureClass;

describe("bad news of a deploy", () => {
  test.each<[string, DeployFailureClass, string, Situation]>([
    [
      "an image that cannot be pulled",
      IMAGE_PULL,
      'image new:2 of container sentinel cannot be pulled (pod new-a): ErrImagePull: rpc error: "new:2": not found',
      rolling({ newPods: [waitingPod("ErrImagePull", 'rpc error:\n "new:2": not found')] }),
    ],
    [
      "an image name that is none",
      IMAGE_PULL,
      "image New:2 of container sentinel cannot be pulled (pod new-a): InvalidImageName: couldn't parse",
      rolling({ newPods: [waitingPod("InvalidImageName", "couldn't parse", { image: "New:2" })] }),
    ],
    [
      "a container that crashes",
      CRASH_LOOP,
      "container sentinel crashes (pod new-a): exit code 1, Error: panic: cannot bind port; 3 restarts",
      crashing({ terminated: CRASHED, restarts: 3 }),
    ],
    [
      "a container that uses too much memory",
      CRASH_LOOP,
      "container sentinel crashes (pod new-a): exit code 137, OOMKilled; 2 restarts",
      crashing({ terminated: { exitCode: 137, reason: "OOMKilled", message: "" }, restarts: 2 }),
    ],
    [
      "a container that crashes of which nothing is known",
      CRASH_LOOP,
      "container sentinel crashes (pod new-a): back-off 20s restarting; 1 restart",
      crashing({ restarts: 1 }),
    ],
    [
      "an init container that crashes, while the others wait for it",
      CRASH_LOOP,
      "container migrate crashes (pod new-a): exit code 2, Error; 4 restarts",
      podWith(
        { name: "migrate", waiting: BACK_OFF, restarts: 4, terminated: { exitCode: 2, reason: "Error", message: "" } },
        { waiting: { reason: "PodInitializing", message: "" } },
      ),
    ],
    [
      "another container of the pod",
      CRASH_LOOP,
      "container proxy crashes (pod new-a): exit code 1, Error: panic: cannot bind port; 5 restarts",
      podWith({ ready: true }, { name: "proxy", waiting: BACK_OFF, restarts: 5, terminated: CRASHED }),
    ],
    [
      "a ConfigMap that is missing",
      INVALID_CONFIG,
      'container sentinel cannot be created (pod new-a): CreateContainerConfigError: configmap "settings" not found',
      rolling({ newPods: [waitingPod("CreateContainerConfigError", 'configmap "settings" not found')] }),
    ],
    [
      "a command that is not there",
      INVALID_CONFIG,
      'container sentinel cannot be created (pod new-a): RunContainerError: exec: "/bin/sentinle": no such file',
      rolling({ newPods: [waitingPod("RunContainerError", 'exec: "/bin/sentinle": no such file')] }),
    ],
    [
      "no node has room",
      UNSCHEDULABLE,
      "no node takes pod new-a: 0/3 nodes are available: 3 Insufficient cpu.",
      unschedulable("Unschedulable", "0/3 nodes are available: 3 Insufficient cpu."),
    ],
    [
      "scheduling is held back",
      UNSCHEDULABLE,
      "no node takes pod new-a: SchedulingGated",
      unschedulable("SchedulingGated"),
    ],
    [
      "a quota leaves no room",
      QUOTA,
      'the cluster refuses its pods: pods "snt-1-x" is forbidden: exceeded quota: pods, requested: pods=1',
      refusedPods('pods "snt-1-x" is forbidden: exceeded quota: pods, requested: pods=1'),
    ],
    [
      "admission forbids its pods",
      FORBIDDEN,
      'the cluster refuses its pods: pods "snt-1-x" is forbidden: violates PodSecurity "restricted:latest"',
      refusedPods('pods "snt-1-x" is forbidden: violates PodSecurity "restricted:latest"'),
    ],
    [
      "a webhook denies its pods",
      FORBIDDEN,
      'the cluster refuses its pods: admission webhook "images.acme.dev" denied the request: not signed',
      refusedPods('admission webhook "images.acme.dev" denied the request: not signed'),
    ],
    [
      "its pods are not valid",
      REJECTED,
      'the cluster refuses its pods: Pod "snt-1-x" is invalid: spec.nodeSelector: Invalid value',
      refusedPods('Pod "snt-1-x" is invalid: spec.nodeSelector: Invalid value'),
    ],
    [
      "its ReplicaSet is refused, before the controller says that it has seen the change",
      QUOTA,
      'the cluster refuses its pods: Failed to create new replica set "snt-1-5d": replicasets.apps is forbidden: exceeded quota: sets',
      refusedReplicaSet(
        'Failed to create new replica set "snt-1-5d": replicasets.apps is forbidden: exceeded quota: sets',
      ),
    ],
  ])("%s: it waits for the grace, then the deploy has failed by class %i: %s", (_, failureClass, reason, situation) => {
    const at = observer();
    expect(at(situation, 1_000)).toMatchObject({ failure: undefined, recheckAtMs: 1_000 + GRACE_MS });
    expect(at(situation, 1_000).progress).toContain(reason);
    expect(at(situation, 999 + GRACE_MS).failure).toBeUndefined();
    expect(at(situation, 1_000 + GRACE_MS)).toMatchObject({
      failure: { failureClass, reason },
      recheckAtMs: undefined,
    });
  });

  test("a very long message of the cluster: cut", () => {
    const verdict = afterGrace(rolling({ newPods: [waitingPod("ErrImagePull", "x".repeat(5_000))] }));
    expect(verdict.failure?.reason).toMatch(/x…$/);
    expect(verdict.failure?.reason.length).toBeLessThan(450);
  });
});

describe("J4: whose bad news counts", () => {
  const crashed = { containers: [container({ waiting: BACK_OFF, restarts: 9, terminated: CRASHED })] };

  test("pods of before crash: the deploy that is to mend it has not failed", () => {
    const verdict = afterGrace(rolling({ oldPods: [pod("old-a", crashed)] }));
    expect(verdict).toMatchObject({ failure: undefined, recheckAtMs: undefined });
  });

  test("the controller has not seen the change: what crashes is of before", () => {
    const status = { observedGeneration: 1 };
    const given = { deployment: { revision: 1 }, status, newPods: [], oldPods: [pod("old-a", crashed)] };
    expect(afterGrace(rolling(given)).failure).toBeUndefined();
  });

  test("back to an image of before: its ReplicaSet has the newest revision before the Deployment says so", () => {
    const back = rolling({
      deployment: { revision: 2, containers: [{ name: "sentinel", image: "old:1", cpuMillicores: 0, memoryMib: 0 }] },
      desired: { image: "old:1" },
      oldReplicaSet: { revision: 3 },
      newPods: [pod("new-a", crashed)],
    });
    expect(afterGrace(back).failure).toBeUndefined();
  });

  test("the Deployment says that there is a newer ReplicaSet, which is not known yet: nobody's pods count", () => {
    const given = { deployment: { revision: 3 }, newPods: [pod("new-a", crashed)] };
    expect(afterGrace(rolling(given)).failure).toBeUndefined();
  });

  test("pods that are going, were evicted or have ended: others take their place", () => {
    const newPods = [
      pod("new-a", { ...crashed, terminating: true }),
      pod("new-b", { ...crashed, phase: "Failed" }),
      pod("new-c", { ...crashed, phase: "Succeeded" }),
    ];
    expect(afterGrace(rolling({ newPods })).failure).toBeUndefined();
  });

  test("pods of before cannot be made, those of now are there: the deploy has not failed", () => {
    const refused = refusedPods('pods "snt-1-x" is forbidden: violates PodSecurity', { newPods: [pod("new-a")] });
    expect(afterGrace(refused)).toMatchObject({ failure: undefined, recheckAtMs: undefined });
  });
});
