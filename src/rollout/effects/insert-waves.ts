import { defineEffect } from "../../engine/index.ts";
import type { PlannedWave } from "../waves.ts";
import type { DriverResult, DriverRow } from "./list-targets.ts";
import { LOCK_LOG } from "./log.ts";
import { driven, ONE_ROLLOUT } from "./rollout-sql.ts";

export interface InsertWavesRow extends DriverRow {
  waves: readonly PlannedWave[];
}

/** Writes the waves that were planned. Waves that are there stay as they are. */
export const insertWaves = defineEffect<InsertWavesRow, DriverResult>({
  name: "insert_waves",
  input: { driver: "text", waves: "json" },
  output: { ours: "bool", rolloutId: "text", state: "text" },
  prelude: LOCK_LOG,
  record: ONE_ROLLOUT,
  sql: `
with ${driven("in_progress")},
planned as (
  insert into rollout_waves (rollout_id, wave_index, percentage, first_target, size)
  select driven.id, wave.index, wave.percentage, wave.first, wave.size
    from driven
   cross join lateral json_to_recordset(driven.waves)
      as wave(index integer, percentage integer, first integer, size integer)
   where driven.ours
  on conflict (rollout_id, wave_index) do nothing
)
select ord, ours, id, state from driven`,
});
