import { DeployFailureClass } from "../../../gen/hydra/v1/cluster_pb.ts";
import { SentinelDesiredState, SentinelHealth } from "../../../gen/hydra/v1/sentinel_pb.ts";
import type { Failure } from "../objects.ts";
import { isComplete, isConverged, isObserved, runningImage } from "./completion.ts";
import { conflict, deploymentFor, takenOver } from "./conflicts.ts";
import { deploymentTroubles, exceededDeadline, replicaSetTroubles } from "./deployment-trouble.ts";
import { drift } from "./drift.ts";
import { type Clock, type Memory, weigh } from "./grace.ts";
import { podTroubles } from "./pod-trouble.ts";
import { progress } from "./progress.ts";
import { type DeployedSituation, hasDeployment, newestPods, type Situation } from "./situation.ts";
import { nearestToCause, type Trouble } from "./trouble.ts";

// How a sentinel is.
//
//   J1. By the cluster's objects, the time and what was remembered alone.
//   J2. Converged and failed exclude each other.
//   J3. A look that changes nothing but the time never takes a failure back.
//   J4. Bad news counts from pods of what is desired now, never from those of
//       before, nor from any that are going.
//   J5. What could not be applied is never told in a way that hydra takes for
//       converged.

/** What is to be told of a sentinel. */
export interface Verdict {
  readonly health: SentinelHealth;
  /** What all replicas that run, run; '' while they differ or none does. */
  readonly runningImage: string;
  readonly availableReplicas: number;
  /** Generation of the sentinel that the cluster has begun to work on. */
  readonly observedGeneration: bigint;
  /** Why the deploy cannot work. */
  readonly failure: Failure | undefined;
  /** What it still waits for; '' once it has converged. */
  readonly progress: string;
  /** What somebody has made of it since hydra applied it. */
  readonly drift: string;
  /** When to look again though nothing has changed, by the judge's clock. */
  readonly recheckAtMs: number | undefined;
  /** For the next look. */
  readonly memory: Memory;
}

const NOTHING_RUNS = { runningImage: "", availableReplicas: 0, observedGeneration: 0n, drift: "" };

/** Judges a sentinel to which everything that is desired has been applied. */
export function judge(situation: Situation, clock: Clock, remembered: Memory | undefined): Verdict {
  const memory = memoryOf(situation, remembered);
  const { desired } = situation;
  if (desired.desiredState === SentinelDesiredState.ARCHIVED) return judgeArchived(situation, clock, memory);
  if (!hasDeployment(situation) || situation.deployment.terminating) return judgeMissing(situation, clock, memory);
  const taken = takenOver(situation);
  if (taken) return judgeLost(taken, clock, memory);
  if (desired.desiredState === SentinelDesiredState.STANDBY) return judgeStandby(situation, clock, memory);
  return judgeRunning(situation, clock, memory);
}

/** Why what is desired has not been applied. */
export interface Hindrance {
  /** Unset: trouble that may pass. */
  readonly failure?: Failure;
  /** For a person. */
  readonly reason: string;
}

/** Judges a sentinel to which what is desired could not be applied: it is as it was before. */
export function judgeUnapplied(situation: Situation, { failure, reason }: Hindrance): Omit<Verdict, "memory"> {
  const rest = { failure, progress: reason, recheckAtMs: undefined };
  if (!hasDeployment(situation) || takenOver(situation)) {
    return { ...NOTHING_RUNS, health: SentinelHealth.UNKNOWN, ...rest };
  }
  const health = isConverged(situation) ? SentinelHealth.UNKNOWN : healthOf(situation);
  // What differs from what is desired is nobody's doing: it is yet to be applied.
  return { ...seen(situation), health, drift: "", ...rest };
}

function judgeRunning(situation: DeployedSituation, clock: Clock, memory: Memory): Verdict {
  const converged = isConverged(situation);
  const troubles = converged ? [] : troublesOf(situation, memory);
  return {
    ...seen(situation),
    health: healthOf(situation),
    progress: converged ? "" : progress(situation, nearestToCause(troubles)),
    ...weigh(troubles, memory, clock),
  };
}

function judgeStandby(situation: DeployedSituation, clock: Clock, memory: Memory): Verdict {
  const { replicas, status } = situation.deployment;
  const atRest = replicas === 0 && status.replicas === 0;
  return {
    ...seen(situation),
    health: atRest ? SentinelHealth.PAUSED : SentinelHealth.UNKNOWN,
    ...(atRest && { runningImage: "" }),
    progress: atRest ? "" : `${status.replicas} pods are left to be scaled down`,
    ...weigh([], memory, clock),
  };
}

function judgeArchived({ desired }: Situation, clock: Clock, memory: Memory): Verdict {
  return {
    ...NOTHING_RUNS,
    health: SentinelHealth.UNKNOWN,
    observedGeneration: desired.generation,
    progress: "",
    ...weigh([], memory, clock),
  };
}

function judgeMissing(situation: Situation, clock: Clock, memory: Memory): Verdict {
  return judgeLost({ failureClass: DeployFailureClass.MISSING, reason: whyMissing(situation) }, clock, memory);
}

/** The sentinel has no Deployment of its own. */
function judgeLost(trouble: Trouble, clock: Clock, memory: Memory): Verdict {
  const { reason } = trouble;
  return {
    ...NOTHING_RUNS,
    health: SentinelHealth.UNKNOWN,
    progress: reason,
    drift: reason,
    ...weigh([trouble], memory, clock),
  };
}

function whyMissing({ deployment, unlabelled, desired }: Situation): string {
  const { k8sNamespace, k8sName } = desired;
  if (deployment?.terminating) return `Deployment ${k8sNamespace}/${k8sName} is being deleted`;
  if (unlabelled) {
    return (
      "somebody has taken the label hydra.dev/sentinel.id off the Deployment, so that hydra does not see it: " +
      `kubectl label ${deploymentFor(desired)} hydra.dev/sentinel.id=${desired.sentinelId}`
    );
  }
  return `somebody has deleted Deployment ${k8sNamespace}/${k8sName}; the next deploy makes it anew`;
}

/** J4: while the cluster has not begun, nearly everything that is told is of before. */
function troublesOf(situation: DeployedSituation, { deadlineBefore }: Memory): Trouble[] {
  const blocking = conflict(situation);
  if (blocking) return [blocking];
  if (!isObserved(situation)) return replicaSetTroubles(situation.deployment);
  return [...podTroubles(newestPods(situation)), ...deploymentTroubles(situation, deadlineBefore)];
}

function healthOf(situation: DeployedSituation): SentinelHealth {
  return isComplete(situation) ? SentinelHealth.HEALTHY : SentinelHealth.UNHEALTHY;
}

function seen(situation: DeployedSituation) {
  const { deployment } = situation;
  return {
    runningImage: runningImage(situation),
    availableReplicas: deployment.status.availableReplicas,
    observedGeneration: isObserved(situation) ? deployment.appliedGeneration : 0n,
    drift: drift(situation),
  };
}

/** G3. */
function memoryOf({ deployment, desired }: Situation, remembered: Memory | undefined): Memory {
  const about = `${deployment?.uid ?? ""} ${deployment?.appliedDeploy ?? desired.deployNumber}`;
  if (remembered?.about === about) return remembered;
  const deadlineBefore = deployment && exceededDeadline(deployment)?.since;
  return { about, since: new Map(), deadlineBefore };
}
