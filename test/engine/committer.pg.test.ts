import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Committer, type Remains } from "../../src/engine/committer.ts";
import { type Effect, effectCall } from "../../src/engine/effect.ts";
import { KeyLines } from "../../src/engine/key-lines.ts";
import { UNOBSERVED } from "../../src/engine/observer.ts";
import { WriterConnection } from "../../src/engine/store/connection.ts";
import { registerNode } from "../../src/engine/store/nodes.ts";
import { nodeUnit, type Unit } from "../../src/engine/unit.ts";
import type { TestDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { blocked, createMarks, gate, type Gate, holdLock, mark, marksOf, query } from "./support.ts";

// Two batches in flight. The first one waits in its last stage for a lock that the test holds.

const LOCK = "select pg_advisory_xact_lock(4711)";
/** Marks a name, and waits for the lock after all else. */
const markLast = { ...mark, name: "mark_last", epilogue: LOCK } as typeof mark;
/** The same, and fails once it has the lock. */
const failLast = { ...mark, name: "fail_last", epilogue: "select fail_with_lock()" } as typeof mark;

let database: TestDatabase;
let connection: WriterConnection;
let committer: Committer;
let nodeId: number;
let batches: number;
let remains: Remains[];
let held: Gate;
let holding: Promise<void>;
let told: string[];

beforeEach(async () => {
  database = await createMarks();
  await query(
    database.url,
    `create function fail_with_lock() returns void language plpgsql as $$
     begin
       perform pg_advisory_xact_lock(4711);
       raise exception 'not this one';
     end $$`,
  );
  connection = await WriterConnection.open(database.url, () => {});
  batches = 0;
  remains = [];
  told = [];
  const counting = {
    reset: () => connection.reset(),
    transact: (...args: Parameters<typeof connection.transact>) => (batches++, connection.transact(...args)),
  };
  nodeId = (await registerNode(connection, [])).id;
  committer = new Committer(counting as unknown as WriterConnection, {
    nodeId,
    secret: Buffer.alloc(32),
    maxBatchOperations: 1_000,
    sendAheadFrom: 250,
    observer: UNOBSERVED,
    lines: new KeyLines(10_000),
    isLocal: () => false,
    isAwaited: () => false,
    room: () => 1_000,
    onOutcome: () => {},
    onLost: (each) => remains.push(each),
  });
  held = gate();
  holding = holdLock(database.url, LOCK, held);
  await held.entered;
});

afterEach(async () => {
  held.open();
  await holding;
  await committer.drained();
  await connection.close();
  await database[Symbol.asyncDispose]();
});

function unit(name: string, effect: Effect<{ name: string }, { count: number }>, rest: Partial<Unit> = {}): Unit {
  return {
    urgent: false,
    effects: [effectCall(effect, { name })],
    weight: 1,
    survives: false,
    operations: () => [],
    committed: () => told.push(name),
    failed: (error) => told.push(`${name}: ${(error as Error).message}`),
    ...rest,
  };
}

const fillers = Array.from({ length: 300 }, (_, i) => `filler ${i}`);
const once = (...names: string[]) => Object.fromEntries(names.map((name) => [name, 1]));

/** Adds units, waits until their batch waits for the lock, then adds those that are to be sent ahead. */
async function sendTwo(first: readonly Unit[], ahead: readonly Unit[]): Promise<void> {
  for (const each of first) committer.add(each);
  await eventually(async () => (await blocked(database.url)).length === 1);
  for (const each of ahead) committer.add(each);
  await eventually(() => batches === 2);
}

describe("a batch that is sent ahead", () => {
  test("C2. nobody is told before the first is committed; then both are, in order", async () => {
    await sendTwo(
      [unit("first", markLast)],
      fillers.map((name) => unit(name, mark)),
    );
    expect(told).toEqual([]);
    held.open();
    await committer.drained();
    expect(told).toEqual(["first", ...fillers]);
    expect(await marksOf(database.url)).toEqual(once("first", ...fillers));
    expect(batches).toBe(2);
  });

  test("C1. few operations wait: they are not sent ahead, and follow in one batch", async () => {
    committer.add(unit("first", markLast));
    await eventually(async () => (await blocked(database.url)).length === 1);
    for (const name of fillers.slice(0, 20)) committer.add(unit(name, mark));
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(batches).toBe(1);
    held.open();
    await committer.drained();
    expect(batches).toBe(2);
  });

  test("C5. the first fails: neither is in, the one to blame fails alone, and all others are written once", async () => {
    await sendTwo(
      [unit("good", mark), unit("bad", failLast)],
      fillers.map((name) => unit(name, mark)),
    );
    held.open();
    await committer.drained();
    expect(told.toSorted()).toEqual(["bad: not this one", "good", ...fillers].toSorted());
    expect(await marksOf(database.url)).toEqual(once("good", ...fillers));
  });

  test("C5. units of a lane that is in flight: are not sent ahead, for its outcome may make them unwanted", async () => {
    let ended = false;
    const end = unit("end", markLast, { lane: 7, committed: () => (ended = true) });
    const later = unit("later", mark, { lane: 7, isWanted: () => !ended });
    const other = unit("other", mark, { lane: 8, isWanted: () => !ended });
    await sendTwo([end], [later, other, ...fillers.map((name) => unit(name, mark))]);
    held.open();
    await committer.drained();
    expect(await marksOf(database.url)).toEqual(once("end", "other", ...fillers));
  });

  test("an invocation is handed back ahead of the note that an attempt failed: it is counted once, and whoever has it then is left alone", async () => {
    await query(
      database.url,
      `insert into engine.invocations (id, service, key, handler, exclusive, status, owner, priority, input, attempts)
       values (1, 'test', 'k', 'work', false, 'running', $1, 0, 'null', 1)`,
      [nodeId],
    );
    const unheard = { committed: () => {}, failed: () => {} };
    const failure = { kind: "attempt_failure", id: 1, failure: "no luck", failures: 1, attempts: 1 } as const;
    const handBack = { kind: "hand_back", invocations: [{ id: 1, attempts: 1 }] } as const;
    await sendTwo(
      [unit("first", markLast, { lane: 1 })],
      [
        nodeUnit(failure, 1, unheard),
        nodeUnit(handBack, undefined, unheard),
        ...fillers.map((name) => unit(name, mark)),
      ],
    );
    held.open();
    await committer.drained();
    const found = await query(database.url, "select status, attempts, failures, failure from engine.invocations");
    expect(found).toEqual([{ status: "ready", attempts: 1, failures: 0, failure: null }]);
  });

  test("C4. the connection breaks: both are handed back in order as open, and what waits as unwritten", async () => {
    const first = unit("first", markLast);
    const ahead = fillers.map((name) => unit(name, mark));
    await sendTwo([first], ahead);
    const waiting = unit("waiting", mark);
    committer.add(waiting);
    await query(database.url, "select pg_terminate_backend($1)", [(await blocked(database.url))[0]?.pid]);
    await eventually(() => remains.length === 1);
    expect(remains[0]?.uncertain.map(({ number, units }) => ({ number, units }))).toEqual([
      { number: 1, units: [first] },
      { number: 2, units: ahead },
    ]);
    expect(remains[0]?.unwritten).toEqual([waiting]);
    expect(told).toEqual([]);
  });
});
