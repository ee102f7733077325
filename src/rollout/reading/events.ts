import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type RolloutEvent, RolloutEventSchema } from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import { type Database, rowsOf } from "./database.ts";
import { eventTypes, rolloutStates } from "./enum-names.ts";
import { type LogStanding, standingFromRow, type StandingRow } from "./log-positions.ts";

interface EventRow extends StandingRow {
  oldest: string | null;
  sequence: string | null;
  time: Date;
  rollout_id: string;
  state: string;
  type: string;
  wave_index: number | null;
  wave_size: number | null;
  wave_ready: number | null;
  wave_failed: number | null;
  sentinel_id: string | null;
  image: string | null;
  reason: string | null;
  reason_class: string | null;
  total: number | null;
  reverted: number | null;
}

export interface EventPage {
  readonly after: bigint;
  readonly limit: number;
  /** Only events of this rollout. */
  readonly rolloutId?: string | undefined;
}

/** Events as one statement saw them. */
export interface EventsRead {
  readonly events: readonly RolloutEvent[];
  /** Where the log stood: nothing up to it is missing from `events` where they are fewer than the limit. */
  readonly standing: LogStanding;
  /** Events up to this one are no longer kept. */
  readonly deletedUpTo: bigint;
}

/**
 * The events after a position, in order. One statement reads them together
 * with where the log stands, so an event is either in the answer or later than those.
 */
export async function readEvents(database: Database, page: EventPage): Promise<EventsRead> {
  const rows = await rowsOf<EventRow>(
    database,
    `select l.epoch, l.event_sequence, l.change_version, (select min(sequence) from rollout_events) as oldest,
            e.sequence, e.time, e.rollout_id, e.state, e.type, e.wave_index, e.wave_size, e.wave_ready, e.wave_failed,
            e.sentinel_id, e.image, e.reason, e.reason_class, e.total, e.reverted
       from rollout_log as l
       left join lateral (
         select * from rollout_events
          where sequence > $1::bigint and ($2::text is null or rollout_id = $2::text)
          order by sequence limit $3::int
       ) as e on true
      order by e.sequence`,
    [page.after.toString(), page.rolloutId ?? null, page.limit],
  );
  const standing = standingFromRow(rows[0]);
  const oldest = rows[0]?.oldest;
  return {
    events: rows.filter((row) => row.sequence !== null).map(eventFromRow),
    standing,
    deletedUpTo: oldest == null ? standing.eventSequence : BigInt(oldest) - 1n,
  };
}

function eventFromRow(row: EventRow): RolloutEvent {
  return create(RolloutEventSchema, {
    sequence: BigInt(row.sequence ?? 0),
    time: timestampFromDate(row.time),
    rolloutId: row.rollout_id,
    state: rolloutStates.valueOf(row.state),
    type: eventTypes.valueOf(row.type),
    ...(row.wave_index !== null && { waveIndex: row.wave_index }),
    ...(row.wave_size !== null && { waveSize: row.wave_size }),
    ...(row.wave_ready !== null && { waveReady: row.wave_ready }),
    ...(row.wave_failed !== null && { waveFailed: row.wave_failed }),
    sentinelId: row.sentinel_id ?? "",
    image: row.image ?? "",
    reason: row.reason ?? "",
    reasonClass: row.reason_class ?? "",
    ...(row.total !== null && { total: row.total }),
    ...(row.reverted !== null && { reverted: row.reverted }),
  });
}
