import { DeployFailureClass } from "../../../gen/hydra/v1/cluster_pb.ts";
import type { Condition, DeploymentView } from "../objects.ts";
import { inOneLine } from "./cluster-words.ts";
import type { Trouble } from "./trouble.ts";

// What the Deployment controller says in the Deployment's conditions.

const PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded";

/**
 * @param deadlineBefore Since when the deadline was exceeded as this deploy began;
 *   that one says nothing about it, unless it stays.
 */
export function deploymentTroubles(deployment: DeploymentView, deadlineBefore: number | undefined): Trouble[] {
  const { conditions } = deployment.status;
  const replicaFailure = conditions.find(({ type, status }) => type === "ReplicaFailure" && status === "True");
  const stalled = conditions.find(({ type, status }) => type === "Progressing" && status === "False");
  const deadline = exceededDeadline(deployment);
  return [
    ...(replicaFailure ? [refusedPods(replicaFailure)] : []),
    ...(stalled && !deadline ? [refusedPods(stalled)] : []),
    ...(deadline ? [deadlineTrouble(deployment, deadline, deadlineBefore)] : []),
  ];
}

export function exceededDeadline({ status }: DeploymentView): Condition | undefined {
  return status.conditions.find(
    (condition) =>
      condition.type === "Progressing" &&
      condition.status === "False" &&
      condition.reason === PROGRESS_DEADLINE_EXCEEDED,
  );
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
