import { SentinelDesiredState } from "../../../gen/hydra/v1/sentinel_pb.ts";
import { FIELD_MANAGER } from "../field-ownership.ts";
import type { DeployedSituation } from "./situation.ts";

/** ` (by NAME)`, where it was not hydra itself. */
export function byWhom(owner: string | undefined): string {
  return owner === undefined || owner === FIELD_MANAGER ? "" : ` (by ${owner})`;
}

/**
 * What somebody has made of the Deployment since hydra applied to it what is
 * desired, in words; '' where it is as applied. Ask only when nothing new is desired.
 */
export function drift(situation: DeployedSituation): string {
  return [replicasDrift(situation), ...containerDrift(situation)].filter((text) => text !== "").join("; ");
}

function replicasDrift({ deployment, desired, autoscaler }: DeployedSituation): string {
  const { replicas, owners } = deployment;
  if (desired.desiredState === SentinelDesiredState.STANDBY) {
    return replicas === 0 ? "" : `replicas is ${replicas}, not 0${byWhom(owners.replicas)}`;
  }
  const leftAlone = desired.desiredReplicas === 0 || autoscaler !== undefined;
  if (leftAlone || replicas === desired.desiredReplicas) return "";
  return `replicas is ${replicas}, not ${desired.desiredReplicas}${byWhom(owners.replicas)}`;
}

function containerDrift({ deployment, desired, container }: DeployedSituation): string[] {
  const spec = deployment.containers.find(({ name }) => name === container);
  if (!spec) return [`there is no container ${container}`];
  return [
    spec.image === desired.image
      ? ""
      : `image is ${spec.image}, not ${desired.image}${byWhom(deployment.owners.image)}`,
    amountDrift("cpu", "m", spec.cpuMillicores, desired.cpuMillicores),
    amountDrift("memory", "Mi", spec.memoryMib, desired.memoryMib),
  ];
}

/** 0 is not hydra's to set. */
function amountDrift(name: string, unit: string, amount: number | undefined, desired: number): string {
  if (desired === 0 || amount === desired) return "";
  return `${name} is ${amount === undefined ? "unset" : `${amount}${unit}`}, not ${desired}${unit}`;
}
