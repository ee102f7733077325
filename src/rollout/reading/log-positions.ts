import { type Database, rowsOf } from "./database.ts";

/** Where the two commit-ordered series of the domain stand. */
export interface LogPositions {
  readonly eventSequence: bigint;
  readonly changeVersion: bigint;
}

/** The same, with the epoch that tells whose history these positions are of (R12). */
export interface LogStanding extends LogPositions {
  readonly epoch: string;
}

export interface StandingRow {
  epoch: string;
  event_sequence: string;
  change_version: string;
}

export async function readLogStanding(database: Database): Promise<LogStanding> {
  const rows = await rowsOf<StandingRow>(database, "select epoch, event_sequence, change_version from rollout_log");
  return standingFromRow(rows[0]);
}

export function standingFromRow(row: StandingRow | undefined): LogStanding {
  return {
    epoch: row?.epoch ?? "",
    eventSequence: BigInt(row?.event_sequence ?? 0),
    changeVersion: BigInt(row?.change_version ?? 0),
  };
}

/** Where the log stands, and what of an epoch it has. */
export interface EpochRead {
  readonly standing: LogStanding;
  /** Positions up to these, told with the epoch, are of this database's history. Undefined: none is. */
  readonly end: LogPositions | undefined;
}

/**
 * Columns of how far an epoch reaches: a row exactly where it is one of this database's history. The present one is,
 * and reaches as far as the log, whatever the table of epochs says: were what is told with it never to hold, those who
 * are told so would begin anew without end.
 *
 * @param epoch Expression of its name.
 * @param log Name of `rollout_log` in the statement.
 */
export function selectEpochEnd(epoch: string, log: string): string {
  return `
    select ${log}.event_sequence, ${log}.change_version where ${log}.epoch = ${epoch}
    union all
    select coalesce(next.event_sequence, ${log}.event_sequence), coalesce(next.change_version, ${log}.change_version)
      from rollout_log_epochs as e
      left join lateral (
        select event_sequence, change_version from rollout_log_epochs where number > e.number order by number limit 1
      ) as next on true
     where e.epoch = ${epoch} and e.epoch <> ${log}.epoch`;
}

/** Judges positions that were told with an epoch. One statement, so that the answer is of one moment. */
export async function readEpoch(database: Database, epoch: string): Promise<EpochRead> {
  const [row] = await rowsOf<StandingRow & { end_sequence: string | null; end_version: string | null }>(
    database,
    `select l.epoch, l.event_sequence, l.change_version,
            reach.event_sequence as end_sequence, reach.change_version as end_version
       from rollout_log as l
       left join lateral (${selectEpochEnd("$1::text", "l")}) as reach on true`,
    [epoch],
  );
  const { end_sequence: eventSequence, end_version: changeVersion } = row ?? {};
  const isKnown = eventSequence != null && changeVersion != null;
  const end = isKnown ? { eventSequence: BigInt(eventSequence), changeVersion: BigInt(changeVersion) } : undefined;
  return { standing: standingFromRow(row), end };
}

/**
 * Channel on which every commit that moves a position tells of it:
 * `<event sequence> <change version>`. A hint: it may be lost with its connection.
 */
export const LOG_CHANNEL = "hydra_log";

/** The positions that a notification on LOG_CHANNEL tells of. Undefined: it says something else. */
export function positionsFromPayload(payload: string): LogPositions | undefined {
  const match = /^(\d{1,19}) (\d{1,19})$/.exec(payload);
  return match ? { eventSequence: BigInt(match[1]!), changeVersion: BigInt(match[2]!) } : undefined;
}
