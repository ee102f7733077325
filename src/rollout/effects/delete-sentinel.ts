import { defineEffect } from "../../engine/index.ts";
import type { SentinelRow } from "./admit-deploy.ts";
import { LOCK_LOG, TELL_LOG, writeLog } from "./log.ts";
import type { ReviewResult } from "./review-sentinel.ts";

/**
 * Removes a sentinel and tells its agent. A deploy that runs ends at once; a
 * rollout skips it. No result: there is no such sentinel.
 */
export const deleteSentinel = defineEffect<SentinelRow, ReviewResult>({
  name: "delete_sentinel",
  input: { sentinelId: "text" },
  output: { awakeable: "text" },
  prelude: LOCK_LOG,
  epilogue: TELL_LOG,
  record: (row) => row.sentinelId,
  actions: (_row, { awakeable }) =>
    awakeable === null ? [] : [{ kind: "resolve", awakeableId: awakeable, value: {} }],
  sql: `
with deleted as (
  delete from sentinels as s using $input where s.id = input.sentinel_id
  returning input.ord, s.id, s.region_id, s.k8s_namespace, s.k8s_name, s.deploy_awakeable
),
change as materialized (
  select ord, 0 as step, region_id, id as sentinel_id, true as deleted, k8s_namespace, k8s_name from deleted
),
${writeLog({ changes: true })}
select ord, deploy_awakeable from deleted`,
});
