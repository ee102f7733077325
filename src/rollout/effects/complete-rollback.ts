import { defineEffect } from "../../engine/index.ts";
import type { DriverResult, DriverRow } from "./list-targets.ts";
import { LOCK_LOG, TELL_LOG, writeLog } from "./log.ts";
import { driven, ONE_ROLLOUT, totalTargets } from "./rollout-sql.ts";

export interface CompleteRollbackRow extends DriverRow {
  /** What had been reverted when this rollback started. */
  revertedBefore: number;
}

export interface CompleteRollbackResult extends DriverResult {
  /** How many this rollback has reverted. */
  reverted: number;
}

/** Ends a rollback once its calls have ended. */
export const completeRollback = defineEffect<CompleteRollbackRow, CompleteRollbackResult>({
  name: "complete_rollback",
  input: { driver: "text", revertedBefore: "int4" },
  output: { ours: "bool", rolloutId: "text", state: "text", reverted: "int4" },
  prelude: LOCK_LOG,
  epilogue: TELL_LOG,
  record: ONE_ROLLOUT,
  sql: `
with ${driven("rolling_back")},
counted as materialized (
  select driven.*, case when ours then 'cancelled' else state end as new_state,
         (select coalesce(sum(w.reverted), 0)::int from rollout_waves as w where w.rollout_id = driven.id)
           - driven.reverted_before as reverted
    from driven
),
moved as (
  update rollouts as r set state = new_state, updated_at = statement_timestamp(), ended_at = statement_timestamp()
    from counted where r.id = counted.id and counted.ours
),
event as materialized (
  select ord, 0 as step, id as rollout_id, notifies, new_state as state, 'rollback_completed' as type,
         image, ${totalTargets("counted.id")} as total, reverted
    from counted where ours
),
${writeLog({ events: ["image", "total", "reverted"], notifies: true })}
select ord, ours, id, new_state, reverted from counted`,
});
