import { describe, expect, test } from "vitest";
import { createEngine, type EngineLog } from "../../src/engine/index.ts";
import { createDatabase } from "../support/database.ts";
import {
  callOf,
  countTimers,
  createMarks,
  ended,
  gate,
  handler,
  mark,
  marksOf,
  outputOf,
  query,
  send,
  shared,
  startEngine,
} from "./support.ts";

describe("stopping a server", () => {
  test("while attempts are in flight: they reach their next wait, and a peer goes on from there", async () => {
    await using db = await createMarks();
    const held = gate();
    const steps: string[] = [];
    const work = handler(
      "work",
      async (ctx) => {
        await ctx.run("hold", () => held.pass());
        await ctx.tx(mark, { name: "before" });
        await ctx.sleep(100);
        steps.push(ctx.replaying ? "replayed" : "went on");
        return ctx.tx(mark, { name: "after" });
      },
      shared,
    );
    const first = await startEngine(db.url, [work], { limits: { drainMs: 10_000 } });
    await using second = await startEngine(db.url, [work], { limits: { pollMs: 60_000 } });
    const id = await send(first, "work");
    await held.entered;
    const stopped = first.stop();
    held.open();
    await stopped;
    expect(outputOf(await ended(second, id))).toEqual({ count: 1 });
    expect(await marksOf(db.url)).toEqual({ before: 1, after: 1 });
    expect(steps).toHaveLength(1);
  });

  test("E2. whose attempts take longer than its lease to stop: it is not taken for dead meanwhile", async () => {
    await using db = await createDatabase();
    let attempts = 0;
    const held = gate();
    const slow = handler("slow", async (ctx) => ctx.run("hold", () => (attempts++, held.pass())), shared);
    const limits = { leaseMs: 300, drainMs: 10_000, pollMs: 100 };
    const first = await startEngine(db.url, [slow], { limits });
    await using second = await startEngine(db.url, [slow], { limits });
    const id = await send(first, "slow");
    await held.entered;
    const stopped = first.stop();
    // Long enough for three leases, by the beats of the other node.
    const beats = () => query<{ beat_at: Date }>(db.url, "select max(beat_at) as beat_at from engine.heartbeats");
    const [start] = await beats();
    await expect
      .poll(async () => ((await beats())[0]?.beat_at.getTime() ?? 0) - (start?.beat_at.getTime() ?? 0), {
        timeout: 10_000,
      })
      .toBeGreaterThan(900);
    held.open();
    await stopped;
    expect(await ended(second, id)).toMatchObject({ ok: true });
    expect(attempts).toBe(1);
  });

  test("that does not end in time: it is let go of, its signal aborted, and a peer repeats the step", async () => {
    await using db = await createDatabase();
    const entered = Promise.withResolvers<void>();
    let aborted = false;
    let stuck = true;
    const slow = handler("slow", async (ctx) =>
      ctx.run("step", (signal) => {
        if (!stuck) return "done";
        entered.resolve();
        return new Promise((resolve) =>
          signal.addEventListener("abort", () => {
            aborted = true;
            resolve("too late");
          }),
        );
      }),
    );
    const first = await startEngine(db.url, [slow], { limits: { drainMs: 50 } });
    const id = await send(first, "slow");
    await entered.promise;
    stuck = false;
    await first.stop();
    expect(aborted).toBe(true);
    await using second = await startEngine(db.url, [slow]);
    expect(outputOf(await ended(second, id))).toBe("done");
  });

  test("callers are told to try elsewhere, and what was accepted runs there", async () => {
    await using db = await createDatabase();
    const sleeper = handler("sleeper", async (ctx) => ctx.sleep(300), shared);
    const first = await startEngine(db.url, [sleeper]);
    const id = await send(first, "sleeper");
    const waiting = first.attach(id);
    waiting.catch(() => {});
    await first.stop();
    await expect(waiting).rejects.toMatchObject({ kind: "unavailable" });
    await expect(send(first, "sleeper")).rejects.toMatchObject({ kind: "unavailable" });
    await expect(first.executeMany(mark, [{ name: "a" }])).rejects.toMatchObject({ kind: "unavailable" });
    await using second = await startEngine(db.url, [sleeper]);
    expect(await ended(second, id)).toMatchObject({ ok: true });
  });

  test("twice, or before it was started: it is stopped; nothing stays connected and no timer is left", async () => {
    await using db = await createMarks();
    const handlers = [
      handler("sleeper", async (ctx) => ctx.sleep(3_600_000), shared),
      handler("failing", () => Promise.reject(new Error("for long")), shared),
      handler("stepping", async (ctx) => ctx.run("step", () => Promise.reject(new Error("for long"))), shared),
    ];
    await createEngine({ databaseUrl: db.url, handlers: [] }).stop();
    const timers = countTimers();
    const engine = await startEngine(db.url, handlers);
    for (const name of ["sleeper", "failing", "stepping"]) await send(engine, name);
    await engine.invoke({ service: "test", handler: "sleeper", key: "k", input: null, delayMs: 3_600_000 });
    await expect
      .poll(async () => (await engine.listInvocations({ handler: "failing", limit: 1 }))[0]?.failure)
      .toBeDefined();
    await Promise.all([engine.stop(), engine.stop()]);
    await engine.stop();
    expect(countTimers()).toBeLessThanOrEqual(timers);
    const connections =
      "select application_name from pg_stat_activity where application_name like 'hydra engine%' and datname = current_database()";
    await expect.poll(() => query(db.url, connections)).toEqual([]);
  });
});

describe("starting a server", () => {
  test("many at once on an empty database: one migrates, all work", async () => {
    await using db = await createDatabase({ empty: true });
    const echo = handler<number>("echo", (_ctx, i) => Promise.resolve(i), shared);
    const engines = await Promise.all(Array.from({ length: 4 }, () => startEngine(db.url, [echo])));
    try {
      expect(await Promise.all(engines.map((engine, i) => callOf(engine, "echo", "k", i)))).toEqual([0, 1, 2, 3]);
    } finally {
      await Promise.all(engines.map((engine) => engine.stop()));
    }
  });

  test("without a database: it fails, and leaves nothing", async () => {
    await expect(startEngine("postgres://127.0.0.1:1/nowhere", [])).rejects.toThrow("ECONNREFUSED");
  });

  test("a handler twice: it says which", () => {
    const one = handler("one", () => Promise.resolve(null));
    expect(() => createEngine({ databaseUrl: "", handlers: [one, one] as never })).toThrow(
      "handler test/one is registered twice",
    );
  });

  test("E2. after another was gone without a word: it takes over at once, without waiting for the lease", async () => {
    await using db = await createDatabase();
    const sleeper = handler("sleeper", async (ctx) => ctx.sleep(200), shared);
    const limits = { leaseMs: 60_000 };
    const tookOver: unknown[] = [];
    const log: EngineLog = {
      debug() {},
      warn() {},
      error() {},
      info: (fields, message) => {
        if (message === "took over from a dead node") tookOver.push(fields);
      },
    };
    // What a killed node leaves: its rows, and no connection.
    await query(
      db.url,
      `with node as (insert into engine.nodes (backend_pid) values (0) returning id)
       insert into engine.heartbeats (node_id) select id from node`,
    );
    await query(
      db.url,
      `insert into engine.invocations (id, service, key, handler, exclusive, status, owner, priority, input, attempts)
       select -1, 'test', 'k', 'sleeper', false, 'running', id, 0, 'null', 1 from engine.nodes`,
    );
    await using engine = await startEngine(db.url, [sleeper], { limits, log });
    expect(tookOver).toMatchObject([{ released: 1 }]);
    await expect.poll(async () => (await engine.listInvocations({ limit: 1 }))[0]?.status).toBe("succeeded");
  });
});
