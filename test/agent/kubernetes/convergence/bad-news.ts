import type { Situation } from "../../../../src/agent/kubernetes/convergence/index.ts";
import { condition, container, pod, rolling } from "./situations.ts";

// Situations in which the cluster has bad news of a deploy.

export const CRASHED = { exitCode: 1, reason: "Error", message: "panic: cannot\nbind port" };
export const BACK_OFF = { reason: "CrashLoopBackOff", message: "back-off 20s restarting" };

export function podWith(...containers: readonly Parameters<typeof container>[0][]): Situation {
  return rolling({ newPods: [pod("new-a", { containers: containers.map((one) => container(one)) })] });
}

export function crashing(given: Parameters<typeof container>[0]): Situation {
  return podWith({ waiting: BACK_OFF, ...given });
}

export function unschedulablePod(name: string, reason = "Unschedulable", message = "") {
  return pod(name, { conditions: [condition({ type: "PodScheduled", status: "False", reason, message })] });
}

export function unschedulable(reason: string, message = ""): Situation {
  return rolling({ newPods: [unschedulablePod("new-a", reason, message)] });
}

/** The API server does not let the pods of a ReplicaSet be made. */
export function refusedPods(message: string, given: Parameters<typeof rolling>[0] = { newPods: [] }): Situation {
  const conditions = [condition({ type: "ReplicaFailure", status: "True", reason: "FailedCreate", message })];
  return rolling({ ...given, status: { conditions } });
}

export function refusedReplicaSet(message: string): Situation {
  const conditions = [condition({ type: "Progressing", status: "False", reason: "ReplicaSetCreateError", message })];
  return rolling({ newPods: [], deployment: { revision: 1 }, status: { observedGeneration: 1, conditions } });
}
