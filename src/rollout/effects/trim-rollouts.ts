import { defineEffect } from "../../engine/index.ts";
import type { TrimResult, TrimRow } from "./trim-row.ts";

/**
 * Deletes the oldest rollout that ended long enough ago: its targets first, a
 * page at a time, and with the last of them the rollout itself. The latest
 * rollout stays, for it may still be rolled back; one whose messages wait, too.
 */
export const trimRollouts = defineEffect<TrimRow, TrimResult>({
  name: "trim_rollouts",
  input: { keepMs: "float8", atMost: "int4" },
  output: { deleted: "int4" },
  record: () => "rollouts",
  sql: `
with expired as materialized (
  select input.at_most, r.id
    from $input
   cross join lateral (
     select id from rollouts as r
      where number < (select max(number) from rollouts) and state in ('completed', 'cancelled')
        and ended_at < now() - input.keep_ms * interval '1 millisecond'
        and not exists (select from notifications as n where n.rollout_id = r.id)
      order by number limit 1
   ) as r
),
page as materialized (
  select expired.id, t.target
    from expired
   cross join lateral (
     select target from rollout_targets where rollout_id = expired.id order by target limit expired.at_most
   ) as t
),
deleted as (
  delete from rollout_targets as t using page where t.rollout_id = page.id and t.target = page.target returning 1
),
gone as (
  delete from rollouts as r using expired
   where r.id = expired.id and (select count(*) from page) < expired.at_most
  returning 1
)
select input.ord, ((select count(*) from deleted) + (select count(*) from gone))::int from $input`,
});
