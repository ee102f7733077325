// What is legal in which state of a rollout (docs/rollout.md, invariants R1 and R2).

/** State of a rollout as tables name it. */
export type RolloutStateName = "in_progress" | "paused" | "cancelled" | "completed" | "rolling_back";

/** What an operator does to the latest rollout. */
export type RolloutOperation = "resume" | "cancel" | "rollback";

/** States in which a rollout keeps every other one from starting. */
export const ACTIVE_STATES = ["in_progress", "paused", "rolling_back"] as const satisfies RolloutStateName[];

/** States in which each operation is legal. */
export const LEGAL_STATES: Readonly<Record<RolloutOperation, readonly RolloutStateName[]>> = {
  resume: ["paused"],
  cancel: ["in_progress", "paused"],
  rollback: ["paused", "cancelled"],
};

/** The rollout that a call found. */
export interface FoundRollout {
  readonly id: string;
  readonly state: RolloutStateName;
}

/** Why Rollout is refused while another one is active. */
export function activeRefusal({ id, state }: FoundRollout): string {
  return `rollout already active in state ${shortName(state)}: ${id} has to be completed or cancelled before another one starts`;
}

/** Why Rollout is refused where there is nothing to do. */
export function nothingToDoRefusal(image: string): string {
  return `all sentinels are already on image ${image}`;
}

/**
 * Why an operation on the latest rollout is refused; undefined: it is legal.
 * `latest` undefined: there never was a rollout. `expectedId`: the rollout that
 * the caller means, if it said so.
 */
export function operationRefusal(
  operation: RolloutOperation,
  latest: FoundRollout | undefined,
  expectedId: string | undefined,
): string | undefined {
  if (!latest) return operation === "resume" ? "no paused rollout to resume" : "no active rollout";
  if (expectedId !== undefined && expectedId !== latest.id) {
    return `rollout_id is ${expectedId}, but the latest rollout is ${latest.id} in state ${shortName(latest.state)}`;
  }
  if (LEGAL_STATES[operation].includes(latest.state)) return undefined;
  const state = shortName(latest.state);
  switch (operation) {
    case "resume":
      return `no paused rollout to resume: rollout ${latest.id} is in state ${state}`;
    case "cancel":
      return `cannot cancel rollout in state ${state}, must be in progress or paused: rollout ${latest.id}`;
    case "rollback":
      return `cannot rollback in state ${state}, must be paused or cancelled: rollout ${latest.id}`;
    default:
      return operation satisfies never;
  }
}

/**
 * What a driver answers with that lost its rollout. Only a cancelled rollout
 * can be rolled back by somebody else while its driver is still on its way out.
 */
export function stateForLostDriver(state: RolloutStateName): RolloutStateName {
  return state === "rolling_back" ? "cancelled" : state;
}

function shortName(state: RolloutStateName): string {
  return state.toUpperCase();
}
