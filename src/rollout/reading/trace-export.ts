import { type Database, rowsOf } from "./database.ts";

/** Where the sending of traces stands. Positions are numbers of events. */
export interface TraceExportStanding {
  /** Events up to this one are done with. */
  readonly position: number;
  /** The log's latest event. */
  readonly latest: number;
  /** Another server has the right to send. */
  readonly heldByOther: boolean;
  /** The next event to be told of is older than the age asked for. */
  readonly overdue: boolean;
}

/** Undefined: nobody has ever asked for traces. */
export async function readTraceExport(
  database: Database,
  { holder, maxAgeMs }: { holder: string; maxAgeMs: number },
): Promise<TraceExportStanding | undefined> {
  const [row] = await rowsOf<{ position: string; latest: string; held_by_other: boolean; overdue: boolean }>(
    database,
    `select x.position, l.event_sequence as latest,
            x.holder <> $1::text and x.held_until > statement_timestamp() as held_by_other,
            coalesce(next.time < statement_timestamp() - $2::float8 * interval '1 millisecond', false) as overdue
       from trace_export as x
      cross join rollout_log as l
       left join lateral (
         select time from rollout_events where sequence > x.position order by sequence limit 1
       ) as next on true`,
    [holder, maxAgeMs],
  );
  if (!row) return undefined;
  const { position, latest, held_by_other: heldByOther, overdue } = row;
  return { position: Number(position), latest: Number(latest), heldByOther, overdue };
}

/** The last event, after a position, before the first one that is not older than an age; the log's end where all are. */
export async function readLastOverdueEvent(
  database: Database,
  { after, maxAgeMs }: { after: number; maxAgeMs: number },
): Promise<number> {
  const [row] = await rowsOf<{ position: string }>(
    database,
    `select coalesce(
              (select sequence - 1 from rollout_events
                where sequence > $1::bigint and time >= statement_timestamp() - $2::float8 * interval '1 millisecond'
                order by sequence limit 1),
              event_sequence) as position
       from rollout_log`,
    [after, maxAgeMs],
  );
  return Number(row?.position ?? after);
}
