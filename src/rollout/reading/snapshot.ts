import type pg from "pg";
import type { Rollout } from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import type { Database } from "./database.ts";
import { readLogStanding } from "./log-positions.ts";
import { readRollout } from "./rollouts.ts";

/** A rollout as it stood when the log was at `sequence`. */
export interface RolloutSnapshot {
  /** Undefined: there is none with the id asked for, or none at all. */
  readonly rollout: Rollout | undefined;
  readonly sequence: bigint;
  readonly epoch: string;
}

/** Reads a rollout (without an id the latest) and the log's position in one snapshot of the database. */
export async function readSnapshot(pool: pg.Pool, rolloutId: string | undefined): Promise<RolloutSnapshot> {
  return await inSnapshot(pool, async (database) => {
    const rollout = await readRollout(database, rolloutId);
    const { epoch, eventSequence } = await readLogStanding(database);
    return { rollout, sequence: eventSequence, epoch };
  });
}

async function inSnapshot<T>(pool: pg.Pool, read: (database: Database) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    await client.query("begin isolation level repeatable read read only");
    const result = await read(client);
    await client.query("commit");
    return result;
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    // A connection that failed in mid-transaction is not one to give back.
    client.release(failure);
  }
}
