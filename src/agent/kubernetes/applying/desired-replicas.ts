import type { DesiredSentinel } from "../../../gen/hydra/v1/cluster_pb.ts";
import { SentinelDesiredState } from "../../../gen/hydra/v1/sentinel_pb.ts";

/** How many replicas the Deployment has, and had before its sentinel was put on standby. */
export interface KnownReplicas {
  readonly now: number;
  readonly beforeStandby: number | undefined;
}

/** How many replicas hydra is to set; undefined: not hydra's to decide. */
export function desiredReplicas(desired: DesiredSentinel, known: KnownReplicas): number | undefined {
  if (desired.desiredState === SentinelDesiredState.STANDBY) return 0;
  if (desired.desiredReplicas > 0) return desired.desiredReplicas;
  return known.now === 0 ? known.beforeStandby : undefined;
}

/** What to remember, while on standby, of the time before; undefined: nothing. */
export function replicasBeforeStandby(desired: DesiredSentinel, known: KnownReplicas): number | undefined {
  if (desired.desiredState !== SentinelDesiredState.STANDBY) return undefined;
  return known.now > 0 ? known.now : known.beforeStandby;
}

/**
 * An autoscaler keeps its Deployment's replicas where it wants them, except at
 * zero: there it rests, so both ways to and from zero are hydra's.
 */
export function autoscalerDecides(replicas: number | undefined, known: KnownReplicas): boolean {
  return replicas !== undefined && replicas > 0 && known.now > 0 && replicas !== known.now;
}
