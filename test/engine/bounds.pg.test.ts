import { setTimeout as delay } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { createDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import {
  callOf,
  createMarks,
  ended,
  gate,
  handler,
  holdRow,
  mark,
  outputOf,
  query,
  send,
  shared,
  startEngine,
  type TestEngine,
  waitForStatus,
} from "./support.ts";

/** The most that was seen of two numbers, until `done` settles. */
async function peaks(engine: TestEngine, done: Promise<unknown>): Promise<{ resident: number; active: number }> {
  const peak = { resident: 0, active: 0 };
  const over = new AbortController();
  const end = done.finally(() => over.abort());
  while (!over.signal.aborted) {
    const { resident, active } = engine.stats();
    peak.resident = Math.max(peak.resident, resident);
    peak.active = Math.max(peak.active, active);
    await new Promise(setImmediate);
  }
  await end;
  return peak;
}

describe("limits", () => {
  test("E6. maxActive: no more have something to do at the same time; the rest waits, and runs in the end", async () => {
    await using db = await createDatabase();
    let running = 0;
    let most = 0;
    const step = handler(
      "step",
      async (ctx) =>
        ctx.run("step", async () => {
          most = Math.max(most, ++running);
          await delay(2);
          running--;
        }),
      shared,
    );
    await using engine = await startEngine(db.url, [step], { limits: { maxActive: 5 } });
    const calls = Promise.all(Array.from({ length: 100 }, () => callOf(engine, "step")));
    const peak = await peaks(engine, calls);
    expect([most, peak.active]).toEqual([5, 5]);
  });

  test("E6. maxResident: a fan-out larger than that waits in the database, not in memory", async () => {
    await using db = await createDatabase();
    const child = handler("child", async (ctx) => ctx.run("step", () => 1), shared);
    const calls = Array.from({ length: 500 }, (_, i) => ({ key: `k${i}`, input: null }));
    const parent = handler("parent", async (ctx) => ctx.fanOut(child, calls), shared);
    await using engine = await startEngine(db.url, [parent, child], { limits: { maxResident: 20 } });
    const done = Promise.all([callOf(engine, "parent"), callOf(engine, "parent"), callOf(engine, "parent")]);
    const peak = await peaks(engine, done);
    expect(await done).toEqual(Array.from({ length: 3 }, () => ({ succeeded: 500, failed: 0 })));
    expect(peak.resident).toBeLessThanOrEqual(23);
  });

  test("E6. maxResident: many that call at the same instant share the room there is", async () => {
    await using db = await createDatabase();
    const child = handler("child", async (ctx) => ctx.sleep(100), shared);
    const together = gate();
    const parent = handler("parent", async (ctx) => (await together.pass(), ctx.call(child, "k", null)), shared);
    await using engine = await startEngine(db.url, [parent, child], { limits: { maxResident: 40 } });
    const ids = await Promise.all(Array.from({ length: 30 }, () => send(engine, "parent")));
    await together.entered;
    together.open();
    const peak = await peaks(engine, Promise.all(ids.map((id) => ended(engine, id))));
    expect(peak.resident).toBeLessThanOrEqual(40);
  });

  test("E6. maxQueuedOperations: calls beyond it are refused as exhausted; those accepted run", async () => {
    await using db = await createMarks();
    await query(db.url, "insert into marks values ('held', 0)");
    const locked = gate();
    const lock = holdRow(db.url, "held", locked);
    const echo = handler<number>("echo", (_ctx, i) => Promise.resolve(i), shared);
    await using engine = await startEngine(db.url, [echo], { limits: { maxQueuedOperations: 10 } });
    await locked.entered;
    const stuck = engine.execute(mark, { name: "held" });
    await eventually(() => engine.stats().queuedOperations === 0);
    const calls = Array.from({ length: 30 }, (_, i) => send(engine, "echo", "k", i));
    const refused = await Promise.allSettled(calls.slice(10));
    for (const each of refused) expect(each).toMatchObject({ status: "rejected", reason: { kind: "exhausted" } });
    await expect(engine.executeMany(mark, [{ name: "a" }])).rejects.toMatchObject({ kind: "exhausted" });
    locked.open();
    await Promise.all([lock, stuck]);
    const ids = await Promise.all(calls.slice(0, 10));
    expect(await Promise.all(ids.map(async (id) => outputOf(await ended(engine, id))))).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
  });
});

describe("an invocation that was let go of because it only waits", () => {
  const limits = { maxResident: 1, pollMs: 100 };
  const filler = handler("filler", async (ctx) => ctx.sleep(0), shared);
  const opened: string[] = [];
  const waiting = handler<string>(
    "waiting",
    async (ctx, what) => {
      if (what === "timer") return ctx.sleep(3_000);
      if (what === "call") return ctx.call(slow, "k", null);
      if (what === "fan-in")
        return ctx.fanOut(slow, [
          { key: "a", input: null },
          { key: "b", input: null },
        ]);
      const { id, value } = ctx.awakeable();
      opened.push(id);
      return value;
    },
    shared,
  );
  let held = gate();
  beforeEach(() => {
    held = gate();
  });
  const slow = handler("slow", async (ctx) => ctx.run("hold", () => held.pass()), shared);
  const handlers = [filler, waiting, slow];

  /** Calls `waiting` and makes the engine let go of it. */
  async function suspended(engine: TestEngine, databaseUrl: string, what: string): Promise<string> {
    const id = await send(engine, "waiting", "k", what);
    await expect.poll(async () => (await engine.getInvocation(id))?.invocation.status).toBe("running");
    // Work that nobody owns, so that room is sought.
    await query(
      databaseUrl,
      `insert into engine.invocations (id, service, key, handler, exclusive, status, priority, input)
       select -n, 'test', 'k', 'filler', false, 'ready', 1, 'null' from generate_series(1, 20) n`,
    );
    await waitForStatus(engine, id, "suspended");
    return id;
  }

  test.each([
    [
      "its awakeable is completed",
      "awakeable",
      (engine: TestEngine) => engine.resolveAwakeable(opened.at(-1) ?? "", "1"),
      1,
    ],
    ["its timer fires", "timer", () => Promise.resolve(), null],
    ["the call it waits for ends", "call", () => Promise.resolve(held.open()), null],
    ["all calls of its fan-out have ended", "fan-in", () => Promise.resolve(held.open()), { succeeded: 2, failed: 0 }],
  ] as const)("E6. is replayed once %s", async (_when, what, wake, output) => {
    await using db = await createDatabase();
    await using engine = await startEngine(db.url, handlers, { limits });
    const id = await suspended(engine, db.url, what);
    await wake(engine);
    expect(outputOf(await ended(engine, id))).toEqual(output);
    expect((await engine.getInvocation(id))?.invocation.attempts).toBeGreaterThan(1);
  });

  test.each(["cancel", "kill"] as const)("E6. hears of a %s at once", async (how) => {
    await using db = await createDatabase();
    await using engine = await startEngine(db.url, handlers, { limits });
    const id = await suspended(engine, db.url, "awakeable");
    await engine[how](id);
    expect(await ended(engine, id)).toMatchObject({ ok: false });
  });
});
