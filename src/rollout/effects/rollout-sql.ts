import type { RolloutStateName } from "../phase.ts";

/** Every effect on a rollout as a whole: two rows never meet in one statement. */
export const ONE_ROLLOUT = () => "rollout";

/** Columns that every rollout event has. */
export const ROLLOUT_EVENT_COLUMNS = ["image", "reason", "total"] as const;

/**
 * CTE `driven`: the rows with the latest rollout, and whether it is still
 * `ours`: driven by this invocation and in the state that a driver expects
 * (invariant R4). `input` must have a column `driver`.
 */
export function driven(state: RolloutStateName): string {
  return `
  driven as materialized (
    select input.*, r.id, r.image, r.state, r.notifies, r.wave_percentages, r.current_wave,
           r.driver = input.driver and r.state = '${state}' as ours
      from $input
     cross join lateral (
       select id, image, state, notifies, wave_percentages, current_wave, driver from rollouts order by number desc limit 1
     ) as r)`;
}

/** Number of targets of a rollout. */
export function totalTargets(rolloutId: string): string {
  return `(select coalesce(sum(w.size), 0)::int from rollout_waves as w where w.rollout_id = ${rolloutId})`;
}
