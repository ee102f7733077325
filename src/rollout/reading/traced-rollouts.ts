import { type Database, rowsOf } from "./database.ts";

/** A stretch of the log: the events after one position, up to another. */
export interface LogStretch {
  readonly after: number;
  readonly upTo: number;
}

/** Times are in microseconds since 1970, by the database's clock. */
export interface TracedRollout {
  readonly id: string;
  readonly image: string;
  readonly startedAtUs: number;
  /** W3C Trace Context of its caller; null: it was in no trace. */
  readonly traceParent: string | null;
  readonly traceState: string;
  /** Counts are those of this moment. */
  readonly waves: readonly TracedWave[];
  /** Everything up to the stretch's end that was not about a single sentinel, in order. */
  readonly course: readonly CourseEvent[];
}

export interface TracedWave {
  readonly wave_index: number;
  readonly percentage: number;
  readonly size: number;
  readonly ready: number;
  readonly failed: number;
  readonly skipped: number;
  readonly reverted: number;
}

/** An event of a rollout as a whole or of a wave. */
export interface CourseEvent {
  readonly sequence: number;
  /** Name as in rollout_events. */
  readonly type: string;
  readonly timeUs: number;
  readonly waveIndex: number | null;
  readonly waveReady: number | null;
  readonly waveFailed: number | null;
  readonly reason: string | null;
  readonly reverted: number | null;
}

interface RolloutRow {
  id: string;
  image: string;
  started_at_us: string;
  trace_parent: string | null;
  trace_state: string;
  waves: TracedWave[];
}

interface CourseRow {
  rollout_id: string;
  sequence: string;
  type: string;
  time_us: string;
  wave_index: number | null;
  wave_ready: number | null;
  wave_failed: number | null;
  reason: string | null;
  reverted: number | null;
}

/** The rollouts that a stretch of the log tells of, as spans are made of them. */
export async function readTracedRollouts(database: Database, stretch: LogStretch): Promise<TracedRollout[]> {
  const rollouts = await rowsOf<RolloutRow>(
    database,
    `select r.id, r.image, r.trace_parent, r.trace_state, ${microseconds("r.created_at")} as started_at_us,
            coalesce((select json_agg(w order by w.wave_index) from rollout_waves as w where w.rollout_id = r.id), '[]') as waves
       from rollouts as r
      where r.id in (select rollout_id from rollout_events where sequence > $1::bigint and sequence <= $2::bigint)
      order by r.number`,
    [stretch.after, stretch.upTo],
  );
  const ids = rollouts.map(({ id }) => id);
  const events = await rowsOf<CourseRow>(
    database,
    `select rollout_id, sequence, type, ${microseconds("time")} as time_us, wave_index, wave_ready, wave_failed, reason, reverted
       from rollout_events
      where rollout_id = any($1::text[]) and sentinel_id is null and sequence <= $2::bigint
      order by sequence`,
    [ids, stretch.upTo],
  );
  const courses = Map.groupBy(events, ({ rollout_id }) => rollout_id);
  return rollouts.map((row) => ({
    id: row.id,
    image: row.image,
    startedAtUs: Number(row.started_at_us),
    traceParent: row.trace_parent,
    traceState: row.trace_state,
    waves: row.waves,
    course: (courses.get(row.id) ?? []).map(courseEventFromRow),
  }));
}

function courseEventFromRow(row: CourseRow): CourseEvent {
  return {
    sequence: Number(row.sequence),
    type: row.type,
    timeUs: Number(row.time_us),
    waveIndex: row.wave_index,
    waveReady: row.wave_ready,
    waveFailed: row.wave_failed,
    reason: row.reason,
    reverted: row.reverted,
  };
}

/** A moment as a whole number, which JavaScript's dates would cut to milliseconds. */
export function microseconds(column: string): string {
  return `(extract(epoch from ${column}) * 1000000)::bigint`;
}
