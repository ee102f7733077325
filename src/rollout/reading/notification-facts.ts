import { type Database, rowsOf } from "./database.ts";

/** Targets that failed in one way. */
export interface FailureGroup {
  /** Empty: none is known. */
  readonly failureClass: string;
  readonly count: number;
  /** Those of the first five failing sentinels that failed in this way. */
  readonly firstIds: readonly string[];
  /** Of the first of them. */
  readonly reason: string;
}

/** What a message tells of, as of its event. */
export interface NotificationFacts {
  /** Name of the event's type. */
  readonly type: string;
  readonly rolloutId: string;
  readonly image: string;
  readonly reason: string;
  /** Since the rollout started. */
  readonly elapsedMs: number;
  readonly percentages: readonly number[];
  readonly total: number;
  readonly ready: number;
  readonly failed: number;
  readonly skipped: number;
  readonly reverted: number;
  /** Set where the event is about a wave. */
  readonly wave: WaveFacts | undefined;
  /** Number of waves; 0: they are not planned yet. */
  readonly waves: number;
  /** How many the rollback reverted, where the event ends one. */
  readonly revertedNow: number | undefined;
  /** What failed: in the wave that it ends, in the rollout, or in the rollback. The first ones first, at most five groups. */
  readonly failures: readonly FailureGroup[];
  /** How many failed, in all groups. */
  readonly failuresTotal: number;
}

export interface WaveFacts {
  /** From 0. */
  readonly index: number;
  readonly size: number;
  readonly ready: number;
  readonly failed: number;
  /** Where it ends, in percent of the targets. */
  readonly percentage: number;
  /** Since it started. */
  readonly elapsedMs: number;
}

interface FactsRow {
  type: string;
  rollout_id: string;
  image: string;
  reason: string | null;
  elapsed_ms: number;
  wave_percentages: number[];
  total: number;
  ready: number;
  failed: number;
  skipped: number;
  reverted: number;
  wave_index: number | null;
  wave_size: number | null;
  wave_ready: number | null;
  wave_failed: number | null;
  wave_percentage: number | null;
  wave_elapsed_ms: number | null;
  waves: number;
  reverted_now: number | null;
}

/** Undefined: the message is not waiting any more, or its event is no longer kept. */
export async function readNotificationFacts(
  database: Database,
  sequence: number,
): Promise<NotificationFacts | undefined> {
  const [row] = await rowsOf<FactsRow>(
    database,
    `select e.type, e.rollout_id, r.image, e.reason, r.wave_percentages,
            extract(epoch from e.time - r.created_at)::float8 * 1000 as elapsed_ms,
            coalesce(n.total, stands.total, e.total, 0) as total, coalesce(n.ready, stands.ready, 0) as ready,
            coalesce(n.failed, stands.failed, 0) as failed, coalesce(n.skipped, stands.skipped, 0) as skipped,
            coalesce(n.reverted, stands.reverted, 0) as reverted, e.reverted as reverted_now, stands.waves,
            e.wave_index, e.wave_size, e.wave_ready, e.wave_failed, w.percentage as wave_percentage,
            extract(epoch from e.time - w.started_at)::float8 * 1000 as wave_elapsed_ms
       from notifications as n
       join rollout_events as e on e.sequence = n.sequence
       join rollouts as r on r.id = e.rollout_id
       left join rollout_waves as w on w.rollout_id = e.rollout_id and w.wave_index = e.wave_index
      cross join lateral (
        select count(*)::int as waves, sum(size)::int as total, sum(s.ready)::int as ready, sum(s.failed)::int as failed,
               sum(s.skipped)::int as skipped, sum(s.reverted)::int as reverted
          from rollout_waves as s where s.rollout_id = e.rollout_id
      ) as stands
      where n.sequence = $1::bigint`,
    [sequence],
  );
  return row && { ...factsFromRow(row), ...(await readFailures(database, sequence, row)) };
}

function factsFromRow(row: FactsRow): Omit<NotificationFacts, "failures" | "failuresTotal"> {
  return {
    type: row.type,
    rolloutId: row.rollout_id,
    image: row.image,
    reason: row.reason ?? "",
    elapsedMs: row.elapsed_ms,
    percentages: row.wave_percentages,
    total: row.total,
    ready: row.ready,
    failed: row.failed,
    skipped: row.skipped,
    reverted: row.reverted,
    wave:
      row.wave_index === null
        ? undefined
        : {
            index: row.wave_index,
            size: row.wave_size ?? 0,
            ready: row.wave_ready ?? 0,
            failed: row.wave_failed ?? 0,
            percentage: row.wave_percentage ?? 0,
            elapsedMs: row.wave_elapsed_ms ?? 0,
          },
    waves: row.waves,
    revertedNow: row.reverted_now ?? undefined,
  };
}

/** Messages that name what failed. */
const OF_WAVE = "wave_completed";
const OF_ROLLOUT = new Set(["rollout_paused", "rollout_cancelled", "rollout_completed"]);
const OF_ROLLBACK = "rollback_completed";

async function readFailures(
  database: Database,
  sequence: number,
  { type, rollout_id, wave_index, failed }: FactsRow,
): Promise<Pick<NotificationFacts, "failures" | "failuresTotal">> {
  const none = { failures: [], failuresTotal: 0 };
  if (type !== OF_ROLLBACK && (failed === 0 || (type !== OF_WAVE && !OF_ROLLOUT.has(type)))) return none;
  const rows = await rowsOf<{
    failure_class: string;
    count: number;
    first_ids: string[];
    reason: string;
    total: number;
  }>(database, FAILURES, [
    rollout_id,
    sequence,
    type === OF_ROLLBACK ? "sentinel_revert_failed" : "sentinel_failed",
    type === OF_WAVE ? wave_index : null,
  ]);
  const failures = rows.map(({ failure_class: failureClass, count, first_ids: firstIds, reason }) => {
    return { failureClass, count, firstIds, reason };
  });
  return { failures, failuresTotal: rows[0]?.total ?? 0 };
}

/**
 * What failed up to an event and has not recovered by then; of reverts, those of
 * the rollback that it ends. The last word on each sentinel tells: one sort,
 * where looking for the recovery of each would be a search per failure.
 */
const FAILURES = `
  select failure_class, count(*)::int as count, sum(count(*)) over ()::int as total,
         coalesce(array_agg(sentinel_id order by place) filter (where place <= 5), '{}') as first_ids,
         (array_agg(reason order by place))[1] as reason
    from (
      select sentinel_id, coalesce(reason_class, '') as failure_class, coalesce(reason, '') as reason,
             row_number() over (order by sentinel_id collate "C") as place
        from (
          select distinct on (sentinel_id) sentinel_id, type, sequence, wave_index, reason_class, reason
            from rollout_events
           where rollout_id = $1::text and sequence < $2::bigint
             and type in ('sentinel_failed', 'sentinel_revert_failed', 'sentinel_recovered')
             and type in ($3::text, 'sentinel_recovered')
           order by sentinel_id, sequence desc
        ) as last
       where type = $3::text and ($4::int is null or wave_index = $4::int)
         and (type = 'sentinel_failed' or sequence > (
               select coalesce(max(b.sequence), 0) from rollout_events as b
                where b.rollout_id = $1::text and b.sequence < $2::bigint and b.type = 'rollback_started'))
    ) as failing
   group by failure_class order by min(place) limit 5`;
