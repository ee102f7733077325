import { expect } from "vitest";
import type { EngineLimits } from "../../../src/engine/index.ts";
import { createDatabase, type TestDatabase } from "../../support/database.ts";
import { query } from "../support.ts";
import type { Acknowledged } from "./acknowledged.ts";
import { createKindsEngine, type KindsEngine, LIMITS } from "./host.ts";
import { CREATE_NOTES } from "./notes.ts";
import { breachesOnceAtRest } from "./rest.ts";

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

/** Waits until nothing is under way, here or in the tables, then expects that nothing is broken. */
export async function expectUnbroken(
  databaseUrl: string,
  acknowledged: Acknowledged,
  what: string,
  nodes: readonly KindsEngine[] = [],
): Promise<void> {
  const engines = nodes.map(({ engine }) => engine);
  const breaches = await breachesOnceAtRest(databaseUrl, acknowledged, engines);
  expect({ what, breaches }).toEqual({ what, breaches: [] });
}
