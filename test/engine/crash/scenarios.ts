import { expect } from "vitest";
import { CRASH_POINTS, type CrashPoint } from "../../../src/engine/crash-points.ts";
import type { EngineLimits } from "../../../src/engine/index.ts";
import { createDatabase } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";
import { query } from "../support.ts";
import { PATIENCE } from "../fixtures/forked-node.ts";
import { Acknowledged } from "./acknowledged.ts";
import { structuralBreaches } from "./breaches.ts";
import { type KindsEngine, LIMITS } from "./host.ts";
import { DOORS } from "./kinds.ts";
import { CREATE_NOTES } from "./notes.ts";
import { type Call, type CrashPlan, EXECUTE } from "./orders.ts";
import { createNotes, expectUnbroken, startPeer } from "./support.ts";
import { VictimProcess } from "./victim-process.ts";

// For each crash point a life in which a process comes to it. Each kills one
// there, lets another node go on, and looks at what is left.

/** `peers`: nodes that are there all the time; where there is none, one starts after the kill. */
type Scenario = (point: CrashPoint, peers: number) => Promise<void>;

const CALLS: readonly Call[] = ["all", "values", "state", "awakeable"].flatMap((kind) =>
  ["left", "right"].map((key) => ({ kind, key, name: `${kind} ${key}` })),
);

function fromReady(point: CrashPoint): CrashPlan {
  return { point, passage: 1, from: "ready" };
}

/** Where a process is killed, and what is done to it meanwhile. */
interface Killing {
  readonly databaseUrl: string;
  readonly crash: CrashPlan;
  readonly acknowledged: Acknowledged;
  readonly calls?: readonly Call[];
  readonly limits?: Partial<EngineLimits>;
  /** Once it was told of its calls. */
  provoke?(victim: VictimProcess): Promise<void>;
}

async function kill({ databaseUrl, crash, acknowledged, calls = [], limits, provoke }: Killing): Promise<void> {
  await using victim = VictimProcess.launch(databaseUrl, { limits: { ...LIMITS, ...limits }, crash });
  if (crash.from !== "start") await victim.ready();
  for (const call of calls) victim.call(acknowledged.called(call));
  await provoke?.(victim);
  await eventually(() => victim.hasEnded, PATIENCE);
  acknowledged.hear(victim);
  expect(victim.told("reached")).toEqual([{ kind: "reached", point: crash.point }]);
}

/** Another goes on: all that was called ends, once. */
async function recover(
  databaseUrl: string,
  acknowledged: Acknowledged,
  peers: readonly KindsEngine[] = [],
): Promise<void> {
  expect(await structuralBreaches(databaseUrl)).toEqual([]);
  await using successor = peers.length === 0 ? await startPeer(databaseUrl) : undefined;
  const living = successor ? [successor] : peers;
  for (const { engine } of living) await acknowledged.repeat(engine);
  await expectUnbroken(databaseUrl, acknowledged, "after the recovery", living);
}

/** A process is killed in the midst of its work, on a database with so many peers. */
async function killAmong(
  peers: number,
  killing: Omit<Killing, "databaseUrl" | "acknowledged" | "provoke">,
  provoke: (victim: VictimProcess, databaseUrl: string) => Promise<void> = async () => {},
): Promise<void> {
  await using database = await createNotes();
  await using stack = new AsyncDisposableStack();
  const others: KindsEngine[] = [];
  for (let i = 0; i < peers; i++) others.push(stack.use(await startPeer(database.url)));
  const { url } = database;
  const acknowledged = new Acknowledged();
  await kill({ ...killing, databaseUrl: url, acknowledged, provoke: (victim) => provoke(victim, url) });
  await recover(url, acknowledged, others);
}

/** The schema is made by a process that is killed, and then by the next. */
const migrating: Scenario = async (point) => {
  await using database = await createDatabase({ empty: true });
  const acknowledged = new Acknowledged();
  // Of the words of a migration the last ones come in the middle of its statements.
  const passage = point === "migration:open" ? 5 : 1;
  await kill({ databaseUrl: database.url, crash: { point, passage, from: "start" }, acknowledged });
  for (const call of CALLS) acknowledged.called(call);
  await using first = await startPeer(database.url);
  await query(database.url, CREATE_NOTES);
  await acknowledged.repeat(first.engine);
  await expectUnbroken(database.url, acknowledged, "on the schema that the second one made");
};

/** A node that starts where another was killed at work, and takes over from it. */
const joining: Scenario = async (point) => {
  await using database = await createNotes();
  const acknowledged = new Acknowledged();
  const inMidWork: CrashPlan = { point: "batch:committed", passage: 1, from: "operation" };
  await kill({ databaseUrl: database.url, crash: inMidWork, acknowledged, calls: CALLS });
  await kill({ databaseUrl: database.url, crash: { point, passage: 1, from: "start" }, acknowledged });
  await recover(database.url, acknowledged);
};

/** A node that is told to stop in mid-work. */
const leaving: Scenario = (point, peers) =>
  killAmong(peers, { crash: fromReady(point), calls: CALLS }, async (victim) => {
    await eventually(() => victim.told("accepted").length > 0);
    victim.order({ order: "stop" });
  });

/** A node whose connection breaks in mid-work, as those of its peers do. */
const rejoining: Scenario = (point, peers) =>
  killAmong(peers, { crash: fromReady(point), calls: CALLS }, async (victim, databaseUrl) => {
    await eventually(() => victim.told("accepted").length > 0);
    await query(
      databaseUrl,
      `select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'hydra engine writer' and datname = current_database()`,
    );
  });

/** Calls from outside, from the first of them on. */
const calling: Scenario = (point, peers) => {
  const atTheDoor = [EXECUTE, ...DOORS].map((kind) => ({ kind, key: "door", name: `${kind} at the door` }));
  return killAmong(peers, { crash: fromReady(point), calls: [...atTheDoor, ...CALLS] });
};

/** A batch that the database refuses for one of its rows. */
const refused: Scenario = (point, peers) => {
  const calls = [{ kind: "refused_write", key: "k", name: "refused" }, ...CALLS];
  return killAmong(peers, { crash: { point, passage: 1, from: "operation" }, calls });
};

/** A node with room for one invocation, whose handler waits for others: it is let go of. */
const crowded: Scenario = (point) => {
  const calls = [{ kind: "fan_out", key: "k", name: "crowded" }];
  return killAmong(0, { crash: fromReady(point), calls, limits: { maxResident: 1 } });
};

/** What has ended is deleted: all of it, or it is all there. */
const expiring: Scenario = async (point) => {
  await using database = await createNotes();
  const acknowledged = new Acknowledged();
  for (const call of CALLS) acknowledged.called(call);
  await recover(database.url, acknowledged);
  const limits = { retentionMs: 200 };
  const crash: CrashPlan = { point, passage: 2, from: "ready" };
  await kill({ databaseUrl: database.url, crash, acknowledged, limits });
  expect(await structuralBreaches(database.url)).toEqual([]);
  await using successor = await startPeer(database.url, limits);
  const left = `select from engine.invocations union all select from engine.journal
                union all select from engine.idempotency`;
  await eventually(async () => (await query(database.url, left)).length === 0);
  expect(successor.engine.stats().resident).toBe(0);
};

/** Complete by its type: a new point needs a life that comes to it. */
export const SCENARIO_OF: Readonly<Record<CrashPoint, Scenario>> = {
  "migration:before": migrating,
  "migration:open": migrating,
  "migration:committed": migrating,
  "ids:before": joining,
  "ids:taken": joining,
  "node:before": joining,
  "node:registered": joining,
  "heartbeat:before": joining,
  "heartbeat:written": joining,
  "takeover:before": joining,
  "takeover:fenced": joining,
  "takeover:released": joining,
  "takeover:committed": joining,
  "rejoin:fenced": rejoining,
  "rejoin:found-out": rejoining,
  "leave:drained": leaving,
  "call:made": calling,
  "call:committed": calling,
  "batch:taken": calling,
  "batch:stage-sent": calling,
  "batch:keys-claimed": calling,
  "batch:effects-run": calling,
  "batch:writes-made": calling,
  "batch:sync-sent": calling,
  "batch:committed": calling,
  "batch:told": calling,
  "batch:followed": calling,
  "batch:rolled-back": refused,
  "claim:asked": joining,
  "claim:committed": joining,
  "suspension:asked": crowded,
  "suspension:committed": crowded,
  "retention:before": expiring,
  "retention:page-deleted": expiring,
  "retention:nodes-forgotten": expiring,
};

const WITH_PEERS: readonly Scenario[] = [calling, refused, leaving, rejoining];

/** Points that a node comes to as well where others take up its work at once. */
export const POINTS_AMONG_PEERS = CRASH_POINTS.filter((point) => WITH_PEERS.includes(SCENARIO_OF[point]));
