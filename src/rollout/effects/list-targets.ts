import { defineEffect } from "../../engine/index.ts";
import type { RolloutStateName } from "../phase.ts";
import { LOCK_LOG } from "./log.ts";
import { driven, ONE_ROLLOUT } from "./rollout-sql.ts";
import { onImage } from "./sentinel-sql.ts";

export interface DriverRow {
  /** The invocation that asks; it must be the rollout's driver. */
  driver: string;
}

/** What a driver is told at every step. */
export interface DriverResult {
  /** Still this driver's, and in the state it expects; otherwise nothing was done. */
  ours: boolean;
  rolloutId: string;
  /** After the step. */
  state: RolloutStateName;
}

export interface ListTargetsResult extends DriverResult {
  image: string;
  percentages: readonly number[];
  total: number;
}

/**
 * Lists what a rollout has to visit: every running sentinel that is not on the
 * image, in the order of ids. Listed once; later calls only count.
 */
export const listTargets = defineEffect<DriverRow, ListTargetsResult>({
  name: "list_targets",
  input: { driver: "text" },
  output: { ours: "bool", rolloutId: "text", state: "text", image: "text", percentages: "json", total: "int4" },
  prelude: LOCK_LOG,
  record: ONE_ROLLOUT,
  sql: `
with ${driven("in_progress")},
known as materialized (
  select driven.ord, (select count(*) from rollout_targets as t where t.rollout_id = driven.id) as total from driven
),
listed as (
  insert into rollout_targets (rollout_id, target, sentinel_id)
  select driven.id, row_number() over (order by s.id) - 1, s.id
    from driven cross join sentinels as s
   where driven.ours and (select total from known) = 0
     and s.desired_state = 'running' and not ${onImage("s", "driven.image")}
  returning target
)
select ord, ours, id, state, image, array_to_json(wave_percentages),
       ((select total from known) + (select count(*) from listed))::int
  from driven`,
});
