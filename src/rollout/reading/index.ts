// The domain's tables as messages of the contract. Every SELECT of the domain is here.
export { readClusters } from "./clusters.ts";
export { type DesiredChange, newestSentinels, readDesired, readDesiredChanges, type ToldUpTo } from "./desired.ts";
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
export { type DomainFigures, readDomainFigures } from "./figures.ts";
export {
  LOG_CHANNEL,
  type LogPositions,
  type LogStanding,
  positionsFromPayload,
  readEpoch,
  readLogStanding,
} from "./log-positions.ts";
export { type FailureGroup, type NotificationFacts, readNotificationFacts } from "./notification-facts.ts";
export { type DueLane, readDueLanes } from "./notifications.ts";
export { readRollout, readRolloutEnd, readRolloutId, readRollouts } from "./rollouts.ts";
export { readSentinel, readSentinels } from "./sentinels.ts";
export { readSnapshot } from "./snapshot.ts";
export { readTargets } from "./targets.ts";
export { readToken, readTokenCredentials, readTokens, readTokensVersion, type TokenCredential } from "./tokens.ts";
export { readLastOverdueEvent, readTraceExport } from "./trace-export.ts";
export { readTracedOutcomes, type TracedOutcome } from "./traced-outcomes.ts";
export { type CourseEvent, type LogStretch, readTracedRollouts, type TracedRollout } from "./traced-rollouts.ts";
export { readUnchanged } from "./unchanged-sentinels.ts";
