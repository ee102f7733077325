// A node is stopped at a crash point, past its lease, and a peer takes over and
// ends its work. Then it goes on where it was.

import { describe, expect, test } from "vitest";
import { CRASH_POINTS, type CrashPoint } from "../../../src/engine/crash-points.ts";
import { eventually } from "../../support/eventually.ts";
import { query } from "../support.ts";
import { PATIENCE } from "../fixtures/forked-node.ts";
import { Acknowledged } from "./acknowledged.ts";
import { structuralBreaches } from "./breaches.ts";
import { type KindsEngine, LIMITS } from "./host.ts";
import { KINDS } from "./kinds.ts";
import { createNotes, expectUnbroken, startPeer } from "./support.ts";
import { VictimProcess } from "./victim-process.ts";

const POINTS = CRASH_POINTS.filter((point) => /^(batch|call|heartbeat):/.test(point));

/** All that its work left, as rows that must not change any more. */
const TRACES = [
  "select id, status, output, failure, attempts, owner, completed_at from engine.invocations order by id",
  "select invocation_id, entry, kind, value from engine.journal order by 1, 2",
  "select * from engine.state order by 1, 2, 3",
  "select name, value, times from notes order by name",
];

function traces(databaseUrl: string): Promise<unknown[][]> {
  return Promise.all(TRACES.map((sql) => query(databaseUrl, sql)));
}

async function waitUntilFenced(databaseUrl: string): Promise<void> {
  const fenced = "select from engine.nodes where fenced_at is not null";
  // One that is stopped in the middle of a batch is waited for before its connection is ended.
  await eventually(async () => (await query(databaseUrl, fenced)).length > 0, PATIENCE);
}

/** A process that stands still at the point, having been called with every kind of handler. */
async function stopAt(databaseUrl: string, point: CrashPoint, acknowledged: Acknowledged): Promise<VictimProcess> {
  const crash = { point, passage: 1, from: "ready", stops: true } as const;
  const victim = await VictimProcess.start(databaseUrl, { limits: LIMITS, crash });
  for (const kind of KINDS) victim.call(acknowledged.called({ kind, key: kind, name: `${kind} of the zombie` }));
  await eventually(() => victim.reachedItsPoint, PATIENCE);
  return victim;
}

/** It serves again, as a new node, and told each of its callers something. */
async function expectRecovery(victim: VictimProcess, peer: KindsEngine, acknowledged: Acknowledged): Promise<void> {
  victim.call(acknowledged.called({ kind: "values", key: "later", name: "later" }));
  const toldOf = () => new Set([...victim.told("ended"), ...victim.told("refused")].map(({ name }) => name));
  await eventually(
    () => expect([...toldOf()]).toEqual(expect.arrayContaining([...acknowledged.calls.keys()])),
    PATIENCE,
  );
  expect(victim.told("ended").map(({ name }) => name)).toContain("later");
  acknowledged.hear(victim);
  await acknowledged.repeat(peer.engine);
}

/** Takes over from the dead, and has no room for what they left. */
const FULL = { maxResident: 0 };

describe("stopped past its lease, and continued", () => {
  test.each(POINTS)(
    "E1. E2. E4. at %s: none of its writes lands, its callers are told, and it recovers by itself",
    async (point) => {
      await using database = await createNotes();
      const acknowledged = new Acknowledged();
      await using victim = await stopAt(database.url, point, acknowledged);
      await using peer = await startPeer(database.url);
      await waitUntilFenced(database.url);
      // Whatever it had stored is ended by the peer; what it had not is called there by its callers.
      await acknowledged.repeat(peer.engine);
      await expectUnbroken(database.url, acknowledged, "after the take-over");
      const before = await traces(database.url);
      victim.resume();
      await eventually(async () => {
        expect(await query(database.url, "select from engine.nodes where fenced_at is null")).toHaveLength(2);
      });
      expect(await structuralBreaches(database.url)).toEqual([]);
      expect(await traces(database.url)).toEqual(before);
      await expectRecovery(victim, peer, acknowledged);
      await expectUnbroken(database.url, acknowledged, "after it went on");
    },
  );

  test.each(POINTS)(
    "E2. at %s, and nobody took its work up: still none of its writes lands before it is a new node",
    async (point) => {
      await using database = await createNotes();
      const acknowledged = new Acknowledged();
      await using victim = await stopAt(database.url, point, acknowledged);
      await using peer = await startPeer(database.url, FULL);
      await waitUntilFenced(database.url);
      victim.resume();
      await expectRecovery(victim, peer, acknowledged);
      await expectUnbroken(database.url, acknowledged, "after it went on");
    },
  );
});
