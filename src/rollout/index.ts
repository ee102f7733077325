// The only door to the domain.
export type { SentinelRow } from "./effects/admit-deploy.ts";
export { deleteSentinel } from "./effects/delete-sentinel.ts";
export { recordReport, type ReportResult, type ReportRow } from "./effects/record-report.ts";
export { touchRegion, type TouchRegionResult, type TouchRegionRow } from "./effects/touch-region.ts";
export { type SentinelSpecRow, type UpsertSentinelResult, upsertSentinels } from "./effects/upsert-sentinels.ts";
export { rolloutHandlers, rolloutMigrations } from "./handlers.ts";
export { reportRow } from "./observed-sentinel.ts";
export type { RolloutLog, RolloutOptions } from "./options.ts";
export {
  deployStatuses,
  type EnumNames,
  LOG_CHANNEL,
  type LogPositions,
  positionsFromPayload,
  readDesired,
  readDesiredChanges,
  readEvents,
  readLogPositions,
  readRollout,
  readRolloutEnd,
  readRolloutId,
  readRollouts,
  readSentinel,
  readSentinels,
  readSnapshot,
  readTargets,
  targetStatuses,
} from "./reading/index.ts";
export { checkSentinelId } from "./sentinel-id.ts";
export { sentinelSpecRow, upsertRefusal } from "./sentinel-spec.ts";
export { deleteOldChanges, startTrimmingLog } from "./trim-log.ts";
export { openWebhook, type SealedWebhook, webhookKeyFrom } from "./webhook-secret.ts";
