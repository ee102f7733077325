import { defineEffect } from "../../engine/index.ts";
import type { RolloutStateName } from "../phase.ts";
import type { DriverRow } from "./list-targets.ts";
import { LOCK_LOG, TELL_LOG, writeLog } from "./log.ts";
import { ONE_ROLLOUT, ROLLOUT_EVENT_COLUMNS, totalTargets } from "./rollout-sql.ts";

export interface AbandonRolloutRow extends DriverRow {
  /** For a person: why its driver ends. */
  reason: string;
}

export interface AbandonRolloutResult {
  rolloutId: string;
  /** Afterwards. */
  state: RolloutStateName;
}

/**
 * The rollout of a driver that ends without an outcome: one in progress is
 * paused, one rolling back is cancelled, so that no state is a dead end (R7).
 * Writes nothing where the rollout is not this driver's any more.
 */
export const abandonRollout = defineEffect<AbandonRolloutRow, AbandonRolloutResult>({
  name: "abandon_rollout",
  input: { driver: "text", reason: "text" },
  output: { rolloutId: "text", state: "text" },
  prelude: LOCK_LOG,
  epilogue: TELL_LOG,
  record: ONE_ROLLOUT,
  sql: `
with found as materialized (
  select input.ord, input.reason, r.id, r.image, r.state, r.notifies,
         case when r.driver <> input.driver then r.state
              when r.state = 'in_progress' then 'paused'
              when r.state = 'rolling_back' then 'cancelled'
              else r.state end as new_state
    from $input
   cross join lateral (select id, image, state, driver, notifies from rollouts order by number desc limit 1) as r
),
moved as (
  update rollouts as r
     set state = found.new_state, reason = found.reason, updated_at = statement_timestamp(),
         ended_at = case when found.new_state = 'cancelled' then statement_timestamp() end
    from found where r.id = found.id and found.new_state <> found.state
),
event as materialized (
  select ord, 0 as step, id as rollout_id, notifies, new_state as state, 'rollout_' || new_state as type,
         image, reason, ${totalTargets("found.id")} as total
    from found where new_state <> state
),
${writeLog({ events: ROLLOUT_EVENT_COLUMNS, notifies: true })}
select ord, id, new_state from found`,
});
