// The domain's tables as messages of the contract. Every SELECT of the domain is here.
export { readDesired, readDesiredChanges } from "./desired.ts";
export {
  deployStatuses,
  desiredStates,
  type EnumNames,
  failureClasses,
  healths,
  rolloutStates,
  targetStatuses,
} from "./enum-names.ts";
export { readEvents } from "./events.ts";
export { LOG_CHANNEL, type LogPositions, positionsFromPayload, readLogPositions } from "./log-positions.ts";
export { readRollout, readRolloutEnd, readRolloutId, readRollouts } from "./rollouts.ts";
export { readSentinel, readSentinels } from "./sentinels.ts";
export { readSnapshot } from "./snapshot.ts";
export { readTargets } from "./targets.ts";
