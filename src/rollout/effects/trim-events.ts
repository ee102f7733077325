import { defineEffect } from "../../engine/index.ts";
import type { TrimResult, TrimRow } from "./trim-row.ts";

/**
 * Deletes the oldest events, in their order and without a gap: those that are
 * old enough, up to the first that a message waits for, or of a rollout that has
 * not ended. Who watches from further back gets a snapshot.
 */
export const trimEvents = defineEffect<TrimRow, TrimResult>({
  name: "trim_events",
  input: { keepMs: "float8", atMost: "int4" },
  output: { deleted: "int4" },
  record: () => "events",
  sql: `
with oldest as materialized (
  select input.ord, e.sequence,
         e.time < now() - input.keep_ms * interval '1 millisecond'
         and not exists (
           select from rollouts as r
            where r.id = e.rollout_id and r.state in ('in_progress', 'paused', 'rolling_back')
         ) as old
    from $input
   cross join lateral (
     select sequence, time, rollout_id from rollout_events order by sequence limit input.at_most
   ) as e
),
kept as materialized (
  select min(sequence) as sequence
    from (select sequence from oldest where not old
          union all
          select min(sequence) from notifications) as needed
),
deleted as (
  delete from rollout_events as e using oldest
   where e.sequence = oldest.sequence and oldest.old
     and not exists (select from kept where kept.sequence <= oldest.sequence)
  returning 1
)
select input.ord, (select count(*)::int from deleted) from $input`,
});
