import { expect } from "vitest";
import type { EngineLimits } from "../../../src/engine/index.ts";
import { createDatabase, type TestDatabase } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";
import { query } from "../support.ts";
import type { Acknowledged } from "./acknowledged.ts";
import { breachesAtRest } from "./breaches.ts";
import { createKindsEngine, type KindsEngine } from "./host.ts";
import { CREATE_NOTES } from "./notes.ts";

/** Of nodes that are killed and of those that take over from them: quick enough for a test. */
export const LIMITS: Partial<EngineLimits> = { leaseMs: 500, pollMs: 100, drainMs: 2_000 };

export async function createNotes(): Promise<TestDatabase> {
  const database = await createDatabase();
  await query(database.url, CREATE_NOTES);
  return database;
}

/** A node in this process, which is not killed. */
export async function startPeer(databaseUrl: string, limits: Partial<EngineLimits> = {}): Promise<KindsEngine> {
  const peer = createKindsEngine({ databaseUrl, limits: { ...LIMITS, ...limits } });
  await peer.engine.start();
  return peer;
}

/** Waits until nothing is under way, then expects that nothing is broken. */
export async function expectUnbroken(databaseUrl: string, acknowledged: Acknowledged, what: string): Promise<void> {
  const open = "select from engine.invocations where completed_at is null limit 1";
  await eventually(async () => (await query(databaseUrl, open)).length === 0, { timeoutMs: 20_000 }).catch(() => {});
  const breaches = [...acknowledged.contradictions, ...(await breachesAtRest(databaseUrl))];
  expect({ what, breaches }).toEqual({ what, breaches: [] });
}
