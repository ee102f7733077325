import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Rollout, RolloutSchema, type Wave, WaveSchema } from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import { type Database, rowsOf } from "./database.ts";
import { rolloutStates } from "./enum-names.ts";

interface WaveRow {
  wave_index: number;
  percentage: number;
  size: number;
  in_flight: number;
  ready: number;
  failed: number;
  skipped: number;
  reverted: number;
  started_at: string | null;
  completed_at: string | null;
}

interface RolloutRow {
  id: string;
  number: string;
  image: string;
  state: string;
  reason: string;
  current_wave: number | null;
  wave_percentages: number[];
  created_at: Date;
  updated_at: Date;
  ended_at: Date | null;
  waves: WaveRow[];
  notifies: boolean;
  notifications_sent: number;
  notifications_waiting: number;
  notifications_dropped: number;
  last_failure: string;
  last_failure_at: Date | null;
}

/** A rollout with its place in the order of all rollouts. */
export interface ListedRollout {
  readonly number: bigint;
  readonly rollout: Rollout;
}

const COLUMNS = `
  select r.id, r.number, r.image, r.state, r.reason, r.current_wave, r.wave_percentages,
         r.created_at, r.updated_at, r.ended_at,
         coalesce((select json_agg(w order by w.wave_index) from rollout_waves as w where w.rollout_id = r.id),
                  '[]') as waves,
         r.notifies, coalesce(l.sent, 0) as notifications_sent, coalesce(l.dropped, 0) as notifications_dropped,
         (select count(*)::int from notifications as n where n.rollout_id = r.id) as notifications_waiting,
         coalesce(l.last_failure, '') as last_failure, l.last_failure_at
    from rollouts as r
    left join notification_lanes as l on l.rollout_id = r.id`;

/** One rollout; without an id the latest. Undefined: there is none. */
export async function readRollout(database: Database, id: string | undefined): Promise<Rollout | undefined> {
  const rows =
    id === undefined
      ? await rowsOf<RolloutRow>(database, `${COLUMNS} order by r.number desc limit 1`)
      : await rowsOf<RolloutRow>(database, `${COLUMNS} where r.id = $1::text`, [id]);
  return rows[0] && rolloutFromRow(rows[0]);
}

/** The id given where there is such a rollout; without one that of the latest. Undefined: there is none. */
export async function readRolloutId(database: Database, id: string | undefined): Promise<string | undefined> {
  const rows =
    id === undefined
      ? await rowsOf<{ id: string }>(database, "select id from rollouts order by number desc limit 1")
      : await rowsOf<{ id: string }>(database, "select id from rollouts where id = $1::text", [id]);
  return rows[0]?.id;
}

/** Whether nothing more is to be expected of a rollout, and the position of the log at which that held. */
export interface RolloutEnd {
  /** It is completed or cancelled, and none of its targets is in flight. */
  readonly over: boolean;
  readonly sequence: bigint;
}

/** Undefined: there is no such rollout. One statement, so that `over` and `sequence` belong together. */
export async function readRolloutEnd(database: Database, id: string): Promise<RolloutEnd | undefined> {
  const [row] = await rowsOf<{ over: boolean; sequence: string }>(
    database,
    `select l.event_sequence as sequence,
            r.state in ('completed', 'cancelled')
              and not exists (select from rollout_waves as w where w.rollout_id = r.id and w.in_flight > 0) as over
       from rollouts as r cross join rollout_log as l
      where r.id = $1::text`,
    [id],
  );
  return row && { over: row.over, sequence: BigInt(row.sequence) };
}

/** The latest first; only those older than `before`, where given. */
export async function readRollouts(
  database: Database,
  page: { before: bigint | undefined; limit: number },
): Promise<ListedRollout[]> {
  const rows = await rowsOf<RolloutRow>(
    database,
    `${COLUMNS} where $1::bigint is null or r.number < $1::bigint order by r.number desc limit $2::int`,
    [page.before?.toString() ?? null, page.limit],
  );
  return rows.map((row) => ({ number: BigInt(row.number), rollout: rolloutFromRow(row) }));
}

function rolloutFromRow(row: RolloutRow): Rollout {
  const sum = (count: (wave: WaveRow) => number) => row.waves.reduce((total, wave) => total + count(wave), 0);
  return create(RolloutSchema, {
    id: row.id,
    image: row.image,
    state: rolloutStates.valueOf(row.state),
    reason: row.reason,
    waves: row.waves.map(waveFromRow),
    total: sum((wave) => wave.size),
    ready: sum((wave) => wave.ready),
    failed: sum((wave) => wave.failed),
    skipped: sum((wave) => wave.skipped),
    reverted: sum((wave) => wave.reverted),
    inFlight: sum((wave) => wave.in_flight),
    ...(row.current_wave === null ? {} : { currentWave: row.current_wave }),
    wavePercentages: row.wave_percentages,
    createdAt: timestampFromDate(row.created_at),
    updatedAt: timestampFromDate(row.updated_at),
    ...instant("endedAt", row.ended_at),
    notifications: {
      enabled: row.notifies,
      sent: row.notifications_sent,
      waiting: row.notifications_waiting,
      dropped: row.notifications_dropped,
      lastFailure: row.last_failure,
      ...instant("lastFailureAt", row.last_failure_at),
    },
  });
}

function waveFromRow(row: WaveRow): Wave {
  return create(WaveSchema, {
    index: row.wave_index,
    percentage: row.percentage,
    size: row.size,
    ready: row.ready,
    failed: row.failed,
    skipped: row.skipped,
    ...instant("startedAt", row.started_at),
    ...instant("completedAt", row.completed_at),
  });
}

/** A field with an instant, left out where there is none. */
function instant<K extends string>(field: K, at: Date | string | null): { [key in K]?: Timestamp } {
  return at === null ? {} : ({ [field]: timestampFromDate(new Date(at)) } as { [key in K]: Timestamp });
}
