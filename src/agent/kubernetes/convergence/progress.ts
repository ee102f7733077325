import type { PodView } from "../objects.ts";
import { reasonAndMessage } from "./cluster-words.ts";
import { isObserved } from "./completion.ts";
import { type DeployedSituation, isReady, newestPods } from "./situation.ts";
import type { Trouble } from "./trouble.ts";

/** Kubernetes' word for no deadline at all. */
const NO_DEADLINE = 2 ** 31 - 1;

/** What the sentinel still waits for, for a person. */
export function progress(situation: DeployedSituation, trouble: Trouble | undefined): string {
  if (!isObserved(situation))
    return trouble?.reason ?? "the cluster's Deployment controller has not seen the change yet";
  const parts = [replicaCounts(situation), trouble?.reason ?? firstUnready(situation), ...longWaits(situation)];
  return parts.filter((text) => text !== "").join("; ");
}

function replicaCounts({ deployment: { replicas, status } }: DeployedSituation): string {
  const old = status.replicas - status.updatedReplicas;
  return [
    `${status.updatedReplicas} of ${replicas} pods updated`,
    `${status.availableReplicas} of ${replicas} available`,
    ...(old > 0 ? [`${old} old ${old === 1 ? "one" : "ones"} left`] : []),
  ].join(", ");
}

function firstUnready(situation: DeployedSituation): string {
  const pod = newestPods(situation).find((one) => !isReady(one));
  return pod ? `pod ${pod.name}: ${whyUnready(pod)}` : "";
}

function whyUnready({ containers, phase }: PodView): string {
  const container = containers.find(({ ready }) => !ready);
  if (!container) return phase.toLowerCase();
  const { name, waiting } = container;
  return waiting ? `container ${name} waits, ${reasonAndMessage(waiting)}` : `container ${name} is not ready`;
}

/** Waits that the Deployment itself asks for, where hydra would give up before. */
function longWaits({ deployment, deployTimeoutMs }: DeployedSituation): string[] {
  const { minReadySeconds, progressDeadlineSeconds } = deployment;
  const timeoutSeconds = deployTimeoutMs / 1_000;
  const longer = (field: string, seconds: number) =>
    `its ${field} (${seconds}) is longer than the ${timeoutSeconds} s that hydra waits for a deploy`;
  return [
    ...(minReadySeconds >= timeoutSeconds ? [longer("minReadySeconds", minReadySeconds)] : []),
    ...(progressDeadlineSeconds > timeoutSeconds && progressDeadlineSeconds < NO_DEADLINE
      ? [longer("progressDeadlineSeconds", progressDeadlineSeconds)]
      : []),
  ];
}
