import { defineEffect } from "../../engine/index.ts";
import { LOCK_LOG } from "./log.ts";
import type { TrimResult, TrimRow } from "./trim-row.ts";

/**
 * Deletes the oldest changes of desired state, and says up to where: an agent
 * whose cursor is older than that needs a full sync.
 */
export const trimChanges = defineEffect<TrimRow, TrimResult>({
  name: "trim_changes",
  input: { keepMs: "float8", atMost: "int4" },
  output: { deleted: "int4" },
  prelude: LOCK_LOG,
  record: () => "changes",
  sql: `
with oldest as materialized (
  select input.ord, c.version
    from $input
   cross join lateral (
     select version, created_at from desired_changes order by version limit input.at_most
   ) as c
   where c.created_at < now() - input.keep_ms * interval '1 millisecond'
),
deleted as (
  delete from desired_changes as c using oldest where c.version = oldest.version returning c.version
),
noted as (
  update rollout_log set oldest_change_version = (select max(version) from oldest)
   where singleton and exists (select from oldest)
)
select input.ord, (select count(*)::int from deleted) from $input`,
});
