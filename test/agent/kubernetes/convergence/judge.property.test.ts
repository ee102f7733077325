import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  judge,
  judgeUnapplied,
  type Memory,
  type Situation,
  type Verdict,
} from "../../../../src/agent/kubernetes/convergence/index.ts";
import { SentinelDesiredState, SentinelHealth } from "../../../../src/gen/hydra/v1/sentinel_pb.ts";
import { condition, container, containerSpec, GRACE_MS, pod, rolling } from "./situations.ts";

describe("any situation", () => {
  test("J1: the same is judged the same, and nothing that was remembered is changed", () => {
    fc.assert(
      fc.property(anyHistory, anySituation, (history, situation) => {
        const { memory, nowMs } = watched(history);
        const kept = structuredClone(memory);
        const clock = { nowMs, graceMs: GRACE_MS };
        expect(judge(situation, clock, memory)).toEqual(judge(situation, clock, memory));
        expect(memory).toEqual(kept);
      }),
    );
  });

  test("J2: what hydra takes for converged has not failed, waits for nothing, and is to be looked at for no reason", () => {
    fc.assert(
      fc.property(anyHistory, anySituation.map(complete), (history, situation) => {
        const { memory, nowMs } = watched(history);
        const verdict = judge(situation, { nowMs, graceMs: GRACE_MS }, memory);
        fc.pre(isTakenForConverged(situation, verdict));
        expect(verdict).toMatchObject({ failure: undefined, progress: "", recheckAtMs: undefined });
      }),
    );
  });

  test("J3: once it has failed, time alone does not take it back; until then it is looked at again by the end of the grace", () => {
    fc.assert(
      fc.property(anyHistory, anySituation, fc.nat(10 * GRACE_MS), (history, situation, laterMs) => {
        const { memory, nowMs } = watched(history);
        const verdict = judge(situation, { nowMs, graceMs: GRACE_MS }, memory);
        const later = judge(situation, { nowMs: nowMs + laterMs, graceMs: GRACE_MS }, verdict.memory);
        expect(verdict.failure === undefined || later.failure !== undefined).toBe(true);
        if (verdict.recheckAtMs === undefined) return;
        expect(verdict.recheckAtMs).toBeGreaterThan(nowMs);
        expect(verdict.recheckAtMs).toBeLessThanOrEqual(nowMs + GRACE_MS);
        const { recheckAtMs } = verdict;
        expect(judge(situation, { nowMs: recheckAtMs, graceMs: GRACE_MS }, verdict.memory).failure).toBeDefined();
      }),
    );
  });

  test("J4: whatever becomes of pods of before, no failure comes or goes by it", () => {
    fc.assert(
      fc.property(anySituation, fc.array(anyPod), (situation, pods) => {
        const [old, ...rest] = situation.replicaSets;
        fc.pre(old !== undefined && situation.deployment !== undefined);
        const other = { ...situation, replicaSets: [{ ...old, pods }, ...rest] };
        expect(afterGrace(other).failure).toEqual(afterGrace(situation).failure);
      }),
    );
  });

  test("J5: what could not be applied is not taken for converged", () => {
    fc.assert(
      fc.property(anySituation, (situation) => {
        expect(isTakenForConverged(situation, judgeUnapplied(situation, { reason: "no answer" }))).toBe(false);
      }),
    );
  });

  test("G1: without a failure before the end of the grace, however the looks come", () => {
    fc.assert(
      fc.property(fc.array(anySituation, { maxLength: 6 }), (situations) => {
        fc.pre(situations.every(({ deployment }) => !deployment?.status.conditions.some(isDeadline)));
        const looks = situations.map((situation, index) => ({ situation, afterMs: index === 0 ? 0 : GRACE_MS / 6 }));
        expect(watched(looks).verdicts.every(({ failure }) => failure === undefined)).toBe(true);
      }),
    );
  });
});

const WAITING = [
  "ContainerCreating",
  "ErrImagePull",
  "CrashLoopBackOff",
  "CreateContainerConfigError",
  "RunContainerError",
];

const anyContainer = fc
  .record({
    ready: fc.boolean(),
    restarts: fc.nat(4),
    waiting: fc.option(
      fc.constantFrom(...WAITING).map((reason) => ({ reason, message: "" })),
      { nil: undefined },
    ),
    terminated: fc.option(fc.constant({ exitCode: 1, reason: "Error", message: "" }), { nil: undefined }),
  })
  .map((given) => container(given));

const anyPod = fc
  .record({
    name: fc.constantFrom("a", "b", "c"),
    ready: fc.boolean(),
    terminating: fc.boolean(),
    phase: fc.constantFrom("Pending", "Running", "Failed"),
    isScheduled: fc.boolean(),
    containers: fc.array(anyContainer, { maxLength: 2 }),
  })
  .map(({ name, ready, terminating, phase, isScheduled, containers }) => {
    const conditions = [
      condition({ type: "Ready", status: ready ? "True" : "False" }),
      condition({ type: "PodScheduled", status: isScheduled ? "True" : "False" }),
    ];
    return pod(name, { terminating, phase, containers, conditions });
  });

const CONDITIONS = [
  condition({ type: "Progressing", status: "True" }),
  condition({ type: "Progressing", status: "False", reason: "ReplicaSetCreateError", message: "denied" }),
  condition({ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }),
  condition({ type: "ReplicaFailure", status: "True", message: "exceeded quota" }),
];

/** A count that is left out is as it should be. */
const anyStatus = fc.record(
  {
    observedGeneration: mostly(2, 1),
    replicas: fc.nat(2),
    updatedReplicas: fc.nat(2),
    availableReplicas: fc.nat(2),
    unavailableReplicas: mostly(0, 1),
    conditions: fc.subarray(CONDITIONS),
  },
  { requiredKeys: ["observedGeneration", "unavailableReplicas", "conditions"] },
);

const anyDeployment = fc.record({
  uid: mostly("deployment-1", "deployment-2"),
  sentinelId: mostly("s1", "s9"),
  terminating: mostly(false, true),
  paused: mostly(false, true),
  replicas: fc.nat(2),
  appliedDeploy: mostly(2n, 3n),
  containers: mostly([containerSpec("new:2")], [containerSpec("old:1")], []),
});

const anyDesired = fc.record({
  desiredState: mostly(SentinelDesiredState.RUNNING, SentinelDesiredState.STANDBY, SentinelDesiredState.ARCHIVED),
  desiredReplicas: fc.nat(2),
});

/** In which one thing or another is wrong, or nothing is. */
const anySituation: fc.Arbitrary<Situation> = fc
  .record({
    desired: anyDesired,
    deployment: fc.option(anyDeployment, { nil: null, freq: 8 }),
    status: anyStatus,
    newPods: fc.array(anyPod, { maxLength: 2 }),
    oldPods: fc.array(anyPod, { maxLength: 2 }),
    unlabelled: fc.boolean(),
  })
  .map(({ status, ...given }) => {
    const replicas = given.deployment?.replicas ?? 0;
    const counts = { replicas, updatedReplicas: replicas, availableReplicas: replicas };
    return rolling({ ...given, status: { ...counts, ...status } });
  });

/** All replicas are updated and available, whatever else there is. */
function complete(situation: Situation): Situation {
  const { deployment } = situation;
  if (!deployment) return situation;
  const { replicas, status } = deployment;
  const counts = { replicas, updatedReplicas: replicas, availableReplicas: replicas, unavailableReplicas: 0 };
  return { ...situation, deployment: { ...deployment, status: { ...status, ...counts, observedGeneration: 2 } } };
}

const anyHistory = fc.array(fc.record({ situation: anySituation, afterMs: fc.nat(GRACE_MS) }), { maxLength: 4 });

interface Look {
  readonly situation: Situation;
  readonly afterMs: number;
}

function watched(looks: readonly Look[]) {
  let nowMs = 0;
  let memory: Memory | undefined;
  const verdicts: Verdict[] = [];
  for (const { situation, afterMs } of looks) {
    nowMs += afterMs;
    const verdict = judge(situation, { nowMs, graceMs: GRACE_MS }, memory);
    memory = verdict.memory;
    verdicts.push(verdict);
  }
  return { nowMs, memory, verdicts };
}

function afterGrace(situation: Situation): Verdict {
  const looks = [0, GRACE_MS].map((afterMs) => ({ situation, afterMs }));
  return watched(looks).verdicts[1]!;
}

/** The first one, most of the time. */
function mostly<T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof({ arbitrary: fc.constant(usual), weight: 8 }, { arbitrary: fc.constantFrom(...others), weight: 1 });
}

function isDeadline({ reason }: { readonly reason: string }): boolean {
  return reason === "ProgressDeadlineExceeded";
}

/** As the server decides on a deploy by a report. */
function isTakenForConverged({ desired }: Situation, verdict: Omit<Verdict, "memory">): boolean {
  return (
    verdict.health === SentinelHealth.HEALTHY &&
    verdict.runningImage === desired.image &&
    verdict.availableReplicas >= desired.desiredReplicas
  );
}
