import { type Database, rowsOf } from "./database.ts";

/** Where the two commit-ordered series of the domain stand. */
export interface LogPositions {
  readonly eventSequence: bigint;
  readonly changeVersion: bigint;
}

export interface PositionsRow {
  event_sequence: string;
  change_version: string;
}

export async function readLogPositions(database: Database): Promise<LogPositions> {
  const [row] = await rowsOf<PositionsRow>(database, "select event_sequence, change_version from rollout_log");
  return positionsFromRow(row);
}

export function positionsFromRow(row: PositionsRow | undefined): LogPositions {
  return { eventSequence: BigInt(row?.event_sequence ?? 0), changeVersion: BigInt(row?.change_version ?? 0) };
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
