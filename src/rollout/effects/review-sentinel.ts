import { defineEffect } from "../../engine/index.ts";
import type { SentinelRow } from "./admit-deploy.ts";
import { LOCK_LOG } from "./log.ts";
import { converged } from "./sentinel-sql.ts";

export interface ReviewResult {
  /** Set: the deploy that waited on it is ready. */
  awakeable: string | null;
}

/**
 * Judges once more whether a running deploy has converged, by what was reported
 * last, if that was for this deploy. No result: there is no such sentinel.
 */
export const reviewSentinel = defineEffect<SentinelRow, ReviewResult>({
  name: "review_sentinel",
  input: { sentinelId: "text" },
  output: { awakeable: "text" },
  prelude: LOCK_LOG,
  record: (row) => row.sentinelId,
  actions: (_row, { awakeable }) =>
    awakeable === null ? [] : [{ kind: "resolve", awakeableId: awakeable, value: {} }],
  sql: `
with found as materialized (
  select input.ord, s.id, s.deploy_awakeable,
         s.deploy_status = 'progressing' and s.observed_deploy_number = s.deploy_number and ${converged("s")} as is_ready
    from $input join sentinels as s on s.id = input.sentinel_id
),
settled as (
  update sentinels as s
     set deploy_status = 'ready', deploy_progress = '', deploy_awakeable = null, updated_at = statement_timestamp()
    from found where found.is_ready and s.id = found.id
)
select ord, case when is_ready then deploy_awakeable end from found`,
});
