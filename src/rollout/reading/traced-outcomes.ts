import { type Database, rowsOf } from "./database.ts";
import { type LogStretch, microseconds } from "./traced-rollouts.ts";

/** What became of one sentinel in a rollout: an event that ends its deploy or its revert. */
export interface TracedOutcome {
  readonly sequence: number;
  readonly rolloutId: string;
  readonly type: TracedOutcomeType;
  readonly waveIndex: number;
  readonly sentinelId: string;
  /** Of the deploy or the revert; null: it had its outcome without one. */
  readonly begunAtUs: number | null;
  readonly timeUs: number;
  readonly image: string;
  /** Empty: not known. */
  readonly previousImage: string;
  readonly reason: string;
  /** Empty: none. */
  readonly reasonClass: string;
  /** Where it is now; null: it has left hydra. */
  readonly place: { readonly region: string; readonly namespace: string; readonly name: string } | null;
}

const TYPES = [
  "sentinel_ready",
  "sentinel_failed",
  "sentinel_skipped",
  "sentinel_recovered",
  "sentinel_reverted",
  "sentinel_revert_failed",
] as const;

export type TracedOutcomeType = (typeof TYPES)[number];

interface OutcomeRow {
  sequence: string;
  rollout_id: string;
  type: TracedOutcomeType;
  wave_index: number;
  sentinel_id: string;
  begun_at_us: string | null;
  time_us: string;
  image: string;
  previous_image: string;
  reason: string;
  reason_class: string;
  place: TracedOutcome["place"];
}

/** The outcomes of sentinels in a stretch of the log, in order. */
export async function readTracedOutcomes(database: Database, stretch: LogStretch): Promise<TracedOutcome[]> {
  const rows = await rowsOf<OutcomeRow>(
    database,
    // A revert began after its rollback did, or not at all. `offset 0`: looked up one by one.
    `select e.sequence, e.rollout_id, e.type, coalesce(e.wave_index, 0) as wave_index, e.sentinel_id,
            ${microseconds("case when e.type like 'sentinel_revert%' then revert.time else t.started_at end")} as begun_at_us,
            ${microseconds("e.time")} as time_us, coalesce(e.image, '') as image,
            coalesce(t.previous_image, '') as previous_image,
            coalesce(e.reason, '') as reason, coalesce(e.reason_class, '') as reason_class,
            case when s.id is not null then
              json_build_object('region', s.region_id, 'namespace', s.k8s_namespace, 'name', s.k8s_name) end as place
       from rollout_events as e
       left join lateral (
         select started_at, previous_image from rollout_targets
          where rollout_id || ' ' || sentinel_id = e.rollout_id || ' ' || e.sentinel_id offset 0
       ) as t on true
       left join lateral (
         select time from rollout_events
          where e.type like 'sentinel_revert%' and rollout_id = e.rollout_id and sentinel_id = e.sentinel_id
            and type = 'sentinel_reverting' and sequence < e.sequence
            and sequence > (select max(b.sequence) from rollout_events as b
                             where b.rollout_id = e.rollout_id and b.sentinel_id is null
                               and b.type = 'rollback_started' and b.sequence < e.sequence)
          order by sequence desc limit 1
       ) as revert on true
       left join lateral (
         select id, region_id, k8s_namespace, k8s_name from sentinels where id = e.sentinel_id offset 0
       ) as s on true
      where e.sequence > $1::bigint and e.sequence <= $2::bigint and e.type = any($3::text[])
      order by e.sequence`,
    [stretch.after, stretch.upTo, TYPES],
  );
  return rows.map(outcomeFromRow);
}

function outcomeFromRow(row: OutcomeRow): TracedOutcome {
  return {
    sequence: Number(row.sequence),
    rolloutId: row.rollout_id,
    type: row.type,
    waveIndex: row.wave_index,
    sentinelId: row.sentinel_id,
    begunAtUs: row.begun_at_us === null ? null : Number(row.begun_at_us),
    timeUs: Number(row.time_us),
    image: row.image,
    previousImage: row.previous_image,
    reason: row.reason,
    reasonClass: row.reason_class,
    place: row.place,
  };
}
