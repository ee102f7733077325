import { DeployFailureClass } from "../../../gen/hydra/v1/cluster_pb.ts";
import type { Condition, DeploymentView } from "../objects.ts";
import { inOneLine } from "./cluster-words.ts";
import { type DeployedSituation, newestPods, newestReplicaSet } from "./situation.ts";
import type { Trouble } from "./trouble.ts";

// What the Deployment controller says in the Deployment's conditions.

const PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded";
const REPLICA_SET_REFUSED = "ReplicaSetCreateError";

/**
 * @param deadlineBefore Since when the deadline was exceeded as this deploy began;
 *   that one says nothing about it, unless it stays.
 */
export function deploymentTroubles(situation: DeployedSituation, deadlineBefore: number | undefined): Trouble[] {
  const { deployment } = situation;
  const refused = lacksPods(situation) && conditionOf(deployment, "ReplicaFailure", "True");
  const deadline = exceededDeadline(deployment);
  return [
    ...(refused ? [refusedPods(refused)] : []),
    ...replicaSetTroubles(deployment),
    ...(deadline ? [deadlineTrouble(deployment, deadline, deadlineBefore)] : []),
  ];
}

/** The controller cannot make the ReplicaSet, and so does not say either that it has seen the change. */
export function replicaSetTroubles(deployment: DeploymentView): Trouble[] {
  const stalled = conditionOf(deployment, "Progressing", "False");
  return stalled?.reason === REPLICA_SET_REFUSED ? [refusedPods(stalled)] : [];
}

export function exceededDeadline(deployment: DeploymentView): Condition | undefined {
  const stalled = conditionOf(deployment, "Progressing", "False");
  return stalled?.reason === PROGRESS_DEADLINE_EXCEEDED ? stalled : undefined;
}

function conditionOf({ status: { conditions } }: DeploymentView, type: string, status: string): Condition | undefined {
  return conditions.find((condition) => condition.type === type && condition.status === status);
}

/** Else it is a ReplicaSet of before whose pods are refused. */
function lacksPods(situation: DeployedSituation): boolean {
  const newest = newestReplicaSet(situation);
  return newest !== undefined && newestPods(situation).length < newest.view.replicas;
}

function deadlineTrouble(
  { progressDeadlineSeconds }: DeploymentView,
  { since, message }: Condition,
  deadlineBefore: number | undefined,
): Trouble {
  return {
    failureClass: DeployFailureClass.PROGRESS_DEADLINE,
    reason: `no progress within the Deployment's progressDeadlineSeconds (${progressDeadlineSeconds}): ${inOneLine(message)}`,
    atOnce: since !== deadlineBefore,
  };
}

/** ReplicaSets or pods that the API server does not let the controllers make. */
function refusedPods({ reason, message }: Condition): Trouble {
  const words = inOneLine(message) || reason;
  return { failureClass: refusalClass(words), reason: `the cluster refuses its pods: ${words}` };
}

function refusalClass(words: string): DeployFailureClass {
  if (/(exceeded|failed) quota/.test(words)) return DeployFailureClass.QUOTA;
  if (/forbidden|denied/.test(words)) return DeployFailureClass.FORBIDDEN;
  return DeployFailureClass.REJECTED;
}
