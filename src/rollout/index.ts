// The only door to the domain.
export type { SentinelRow } from "./effects/admit-deploy.ts";
export { createToken, type CreateTokenResult, type CreateTokenRow } from "./effects/create-token.ts";
export { deleteSentinel } from "./effects/delete-sentinel.ts";
export { holdTraceExport } from "./effects/hold-trace-export.ts";
export { leaveAgent } from "./effects/leave-agent.ts";
export { moveTraceExport } from "./effects/move-trace-export.ts";
export { noteTokenUse } from "./effects/note-token-use.ts";
export { recordReport, type ReportResult, type ReportRow } from "./effects/record-report.ts";
export { revokeToken, type RevokeTokenResult, type RevokeTokenRow } from "./effects/revoke-token.ts";
export { touchRegion, type TouchRegionResult, type TouchRegionRow } from "./effects/touch-region.ts";
export { type SentinelSpecRow, type UpsertSentinelResult, upsertSentinels } from "./effects/upsert-sentinels.ts";
export { rolloutHandlers, rolloutMigrations } from "./handlers.ts";
export { type NotifierOptions, startNotifier } from "./notifications/notifier.ts";
export type { NotificationObserver } from "./notifications/observer.ts";
export { reportRow } from "./observed-sentinel.ts";
export type { DeployKind, DeployOutcome, RolloutObserver } from "./observer.ts";
export type { RolloutLog, RolloutOptions } from "./options.ts";
export {
  type CourseEvent,
  deployStatuses,
  type DesiredChange,
  type DomainFigures,
  type EnumNames,
  LOG_CHANNEL,
  type LogPositions,
  type LogStanding,
  type LogStretch,
  newestSentinels,
  positionsFromPayload,
  readClusters,
  readDesired,
  readDesiredChanges,
  readDomainFigures,
  readEvents,
  readLastOverdueEvent,
  readEpoch,
  readLogStanding,
  readRollout,
  readRolloutEnd,
  readRolloutId,
  readRollouts,
  readSentinel,
  readSentinels,
  readSnapshot,
  readTargets,
  readToken,
  readTokenCredentials,
  readTokens,
  readTokensVersion,
  readTraceExport,
  readTracedOutcomes,
  readTracedRollouts,
  readUnchanged,
  targetStatuses,
  type TokenCredential,
  type ToldUpTo,
  type TracedOutcome,
  type TracedRollout,
} from "./reading/index.ts";
export { checkSentinelId } from "./sentinel-id.ts";
export { sentinelSpecRow, upsertRefusal } from "./sentinel-spec.ts";
export { deleteOldChanges, deleteOldHistory, startTrimming } from "./trimming.ts";
export { openWebhook, type SealedWebhook, webhookKeyFrom } from "./webhook-secret.ts";
export { checkWebhookUrl } from "./webhook-url.ts";
