/** Names a target's place: two rows about one target never meet in one statement. */
export function targetRecord({ rolloutId, target }: { rolloutId: string; target: number }): string {
  return `${rolloutId} ${target}`;
}

/**
 * Joins a row of `input` (rollout_id, target) with its rollout `r`, its target
 * `t` and its sentinel `s`, which may be gone. The lateral subqueries (`offset
 * 0` keeps them apart) are looked up by their whole key, row by row; a plan made
 * while the tables were small would else read all targets for each row.
 */
export const TARGET_OF_INPUT = `
    join rollouts as r on r.id = input.rollout_id
   cross join lateral (
     select * from rollout_targets where rollout_id = input.rollout_id and target = input.target offset 0
   ) as t
    left join lateral (select * from sentinels where id = t.sentinel_id offset 0) as s on true`;

/** Columns that every event of a sentinel has. */
export const SENTINEL_EVENT_COLUMNS = [
  "wave_index",
  "wave_size",
  "wave_ready",
  "wave_failed",
  "sentinel_id",
  "image",
  "reason",
  "reason_class",
] as const;

/**
 * CTE `event` from a CTE `changed`, and the counters of the waves that move
 * with it (R8): rows of one wave are summed, since a row of a table can be
 * updated only once in a statement; each event tells the counters as of itself.
 *
 * `changed` has ord, rollout_id, wave_index, state, sentinel_id, type, image,
 * reason, reason_class and how far the row moves each counter: d_in_flight,
 * d_ready, d_failed, d_skipped, d_reverted.
 */
export const WAVES_AND_EVENTS = `
moved as materialized (
  select rollout_id, wave_index, sum(d_in_flight)::int as in_flight, sum(d_ready)::int as ready,
         sum(d_failed)::int as failed, sum(d_skipped)::int as skipped, sum(d_reverted)::int as reverted
    from changed group by rollout_id, wave_index
),
wave as (
  update rollout_waves as w
     set in_flight = w.in_flight + moved.in_flight, ready = w.ready + moved.ready, failed = w.failed + moved.failed,
         skipped = w.skipped + moved.skipped, reverted = w.reverted + moved.reverted
    from moved where w.rollout_id = moved.rollout_id and w.wave_index = moved.wave_index
  returning w.rollout_id, w.wave_index, w.size, w.ready - moved.ready as ready, w.failed - moved.failed as failed
),
event as materialized (
  select c.ord, 0 as step, c.rollout_id, c.state, c.type, c.wave_index, wave.size as wave_size,
         (wave.ready + sum(c.d_ready) over so_far)::int as wave_ready,
         (wave.failed + sum(c.d_failed) over so_far)::int as wave_failed,
         c.sentinel_id, c.image, nullif(c.reason, '') as reason, c.reason_class
    from changed as c
    join wave on wave.rollout_id = c.rollout_id and wave.wave_index = c.wave_index
  window so_far as (partition by c.rollout_id, c.wave_index order by c.ord)
)`;
