import { defineEffect } from "../../engine/index.ts";
import type { DriverResult, DriverRow } from "./list-targets.ts";
import { LOCK_LOG } from "./log.ts";
import { driven, ONE_ROLLOUT } from "./rollout-sql.ts";

/** A target, its sentinel and its wave. */
export type RevertTriple = readonly [target: number, sentinelId: string, waveIndex: number];

export interface ListRevertsResult extends DriverResult {
  image: string;
  /** Targets that took the image or may still take it; each decides when its turn comes. */
  targets: readonly RevertTriple[] | null;
  /** Targets that earlier rollbacks have reverted. */
  revertedBefore: number;
}

/** Lists what a rollback has to visit. */
export const listReverts = defineEffect<DriverRow, ListRevertsResult>({
  name: "list_reverts",
  input: { driver: "text" },
  output: { ours: "bool", rolloutId: "text", state: "text", image: "text", targets: "json", revertedBefore: "int4" },
  prelude: LOCK_LOG,
  record: ONE_ROLLOUT,
  sql: `
with ${driven("rolling_back")}
select ord, ours, id, state, image,
       (select json_agg(json_build_array(t.target, t.sentinel_id, w.wave_index) order by t.target)
          from rollout_waves as w
          join rollout_targets as t
            on t.rollout_id = w.rollout_id and t.target >= w.first_target and t.target < w.first_target + w.size
         where w.rollout_id = driven.id and driven.ours and t.status in ('ready', 'deploying')),
       (select coalesce(sum(w.reverted), 0)::int from rollout_waves as w where w.rollout_id = driven.id)
  from driven`,
});
