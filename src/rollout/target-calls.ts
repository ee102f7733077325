import { type HandlerRef, jsonCodec } from "../engine/index.ts";
import { SentinelService } from "../gen/hydra/v1/sentinel_pb.ts";

/** Which target of which rollout, and for whom. */
export interface TargetCall {
  rolloutId: string;
  /** Invocation that drives the rollout. */
  driver: string;
  target: number;
  waveIndex: number;
}

/** How it ended, for whoever looks at the invocation. What counts is in the tables. */
export interface TargetOutcome {
  outcome: string;
  reason?: string;
}

export type TargetRef = HandlerRef<TargetCall, TargetOutcome>;

/** Deploys a rollout's image to one target. The key is its sentinel's id, the same one that Deploy holds. */
export const DEPLOY_TARGET: TargetRef = targetRef("DeployTarget");

/** Puts one target back on its previous image. */
export const REVERT_TARGET: TargetRef = targetRef("RevertTarget");

export function targetOutcome({ outcome, reason }: { outcome: string; reason: string }): TargetOutcome {
  return reason === "" ? { outcome } : { outcome, reason };
}

function targetRef(name: string): TargetRef {
  return { service: SentinelService.typeName, name, input: jsonCodec(), output: jsonCodec() };
}
