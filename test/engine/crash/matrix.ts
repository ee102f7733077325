import { expect } from "vitest";
import { CRASH_POINTS, type CrashPoint } from "../../../src/engine/crash-points.ts";
import { eventually } from "../../support/eventually.ts";
import { PATIENCE } from "../fixtures/forked-node.ts";
import { Acknowledged } from "./acknowledged.ts";
import { structuralBreaches } from "./breaches.ts";
import { type KindsEngine, LIMITS } from "./host.ts";
import type { Kind } from "./kinds.ts";
import type { CrashPlan, Passages } from "./orders.ts";
import { createNotes, expectUnbroken, startPeer } from "./support.ts";
import { VictimProcess } from "./victim-process.ts";

// One line of the crash matrix: a process is killed at every crash point that it
// comes to while a handler of one kind runs, once for each of the first passages.

/** Passages of one point that are tried: the entry's own batch, the next, and the end. */
const MOST_PASSAGES = 3;

/** Points of a node that does no more than run handlers; the others have tests of their own, see scenarios.ts. */
const AT_WORK = CRASH_POINTS.filter((point) => point.startsWith("batch:"));

/** Those that every batch comes to. */
export const POINTS_OF_EVERY_BATCH: readonly CrashPoint[] = [
  "batch:taken",
  "batch:writes-made",
  "batch:sync-sent",
  "batch:committed",
  "batch:told",
  "batch:followed",
];

interface Line {
  readonly databaseUrl: string;
  readonly kind: Kind;
  /** Nodes that are there all the time, and take over. */
  readonly peers: readonly KindsEngine[];
}

/** Kills at each point; answers with the points at which it did. */
export async function killAtEachPoint(kind: Kind, nodes: 1 | 3): Promise<ReadonlySet<CrashPoint>> {
  await using database = await createNotes();
  await using stack = new AsyncDisposableStack();
  const peers: KindsEngine[] = [];
  for (let i = 1; i < nodes; i++) peers.push(stack.use(await startPeer(database.url)));
  const line = { databaseUrl: database.url, kind, peers };
  const passages = await countPassages(line);
  const killedAt = new Set<CrashPoint>();
  for (const point of AT_WORK) {
    const tried = Math.min(passages[point] ?? 0, MOST_PASSAGES);
    for (let passage = 1; passage <= tried; passage++) {
      if (await killOnce(line, { point, passage, from: "operation" })) killedAt.add(point);
    }
  }
  return killedAt;
}

/** How often a process that is left alone comes to each point. */
async function countPassages({ databaseUrl, kind }: Line): Promise<Passages> {
  await using victim = await VictimProcess.start(databaseUrl, { limits: LIMITS });
  const call = { kind, key: "counted", name: "counted" };
  victim.call(call);
  await eventually(() => victim.told("ended").length === 1, PATIENCE);
  victim.order({ order: "passages" });
  await eventually(() => victim.told("passages").length === 1, PATIENCE);
  return victim.told("passages")[0]?.passages ?? {};
}

/** Whether it came to the point. */
async function killOnce({ databaseUrl, kind, peers }: Line, crash: CrashPlan): Promise<boolean> {
  const what = `${kind} killed at ${crash.point}, passage ${crash.passage}`;
  const acknowledged = new Acknowledged();
  const key = `${crash.point} ${crash.passage}`;
  await using victim = await VictimProcess.start(databaseUrl, { limits: LIMITS, crash });
  const own = [1, 2].map((n) => acknowledged.called({ kind, key, name: `${key} ${n}` }));
  for (const call of own) victim.call(call);
  // Callers of the others want the same key: they wait in line for what runs on the victim.
  await eventually(() => victim.hasEnded || victim.told("accepted").length > 0, PATIENCE);
  const others = peers.map((peer, n) => {
    const call = acknowledged.called({ kind, key, name: `${key} of peer ${n}` });
    return acknowledged.repeat(peer.engine, [call]);
  });
  await eventually(() => victim.hasEnded || victim.told("ended").length === own.length, PATIENCE);
  await victim.kill();
  acknowledged.hear(victim);
  expect({ what, breaches: await structuralBreaches(databaseUrl) }).toEqual({ what, breaches: [] });
  await Promise.all(others);
  await using successor = peers.length === 0 ? await startPeer(databaseUrl) : undefined;
  const living = successor ? [successor] : peers;
  for (const { engine } of living) await acknowledged.repeat(engine);
  await expectUnbroken(databaseUrl, acknowledged, what, living);
  return victim.reachedItsPoint;
}
