import { describe, expect, test } from "vitest";
import { createDatabase } from "../support/database.ts";
import {
  callOf,
  createMarks,
  ended,
  gate,
  handler,
  outcomeOf,
  outputOf,
  query,
  send,
  shared,
  startEngine,
  statusOf,
  waitForStatus,
} from "./support.ts";

const limits = { pollMs: 60_000 };

describe("exclusive handlers of one key", () => {
  test("E3. run one at a time, in the order of arrival, whichever of two nodes they arrive at", async () => {
    await using db = await createDatabase();
    const order: number[] = [];
    let running = 0;
    const step = handler<number>("step", async (ctx, i) =>
      ctx.run("step", async () => {
        expect(++running).toBe(1);
        order.push(i);
        await new Promise(setImmediate);
        running--;
      }),
    );
    await using engine = await startEngine(db.url, [step], { limits });
    await using other = await startEngine(db.url, [step], { limits });
    const ids: string[] = [];
    for (let i = 0; i < 30; i++) ids.push(await send(i % 3 === 0 ? other : engine, "step", "k", i));
    for (const id of ids) outputOf(await ended(engine, id));
    expect(order).toEqual(Array.from({ length: 30 }, (_, i) => i));
  });

  test("E3. shared ones run beside them, and other keys do not wait", async () => {
    await using db = await createDatabase();
    const held = gate();
    const holder = handler("holder", async (ctx) => ctx.run("hold", () => held.pass()));
    const beside = handler("beside", () => Promise.resolve("beside"), shared);
    const alone = handler("alone", () => Promise.resolve("alone"));
    await using engine = await startEngine(db.url, [holder, beside, alone]);
    const id = await send(engine, "holder");
    await held.entered;
    expect(await callOf(engine, "beside")).toBe("beside");
    expect(await callOf(engine, "alone", "other")).toBe("alone");
    const waiting = await send(engine, "alone");
    expect(await statusOf(engine, waiting)).toBe("queued");
    held.open();
    outputOf(await ended(engine, id));
    expect(outputOf(await ended(engine, waiting))).toBe("alone");
    expect(await query(db.url, "select from engine.keys")).toEqual([]);
  });

  test("E3. one that failed hands its key on as well", async () => {
    await using db = await createDatabase();
    const held = gate();
    const failing = handler("failing", async (ctx) => (await ctx.run("hold", () => held.pass()), ctx.sleep(60_000)));
    const next = handler<number>("next", (_ctx, i) => Promise.resolve(i));
    await using engine = await startEngine(db.url, [failing, next], { limits });
    const id = await send(engine, "failing");
    await held.entered;
    const waiting = await Promise.all([1, 2, 3].map((i) => send(engine, "next", "k", i)));
    await engine.cancel(id);
    expect(await ended(engine, id)).toMatchObject({ kind: "cancelled" });
    expect(await Promise.all(waiting.map(async (each) => outputOf(await ended(engine, each))))).toEqual([1, 2, 3]);
  });

  test("supersededBy: the last one that waited when its turn came; unset where none did", async () => {
    await using db = await createDatabase();
    const held = gate();
    const holder = handler("holder", async (ctx) => ctx.run("hold", () => held.pass()));
    const asked = handler("asked", (ctx) => Promise.resolve(ctx.supersededBy ?? "nobody"));
    await using engine = await startEngine(db.url, [holder, asked]);
    await send(engine, "holder");
    await held.entered;
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.push(await send(engine, "asked"));
    held.open();
    const outputs = await Promise.all(ids.map(async (id) => outputOf(await ended(engine, id))));
    expect(outputs).toEqual([ids[2], ids[2], "nobody"]);
    expect(await callOf(engine, "asked")).toBe("nobody");
  });

  test("state: the next one sees what the one before it wrote", async () => {
    await using db = await createDatabase();
    const add = handler("add", async (ctx) => {
      const total = ((await ctx.get<number>("total")) ?? 0) + 1;
      void ctx.set("total", total);
      return total;
    });
    const peek = handler("peek", async (ctx) => ctx.get("total"), shared);
    const wrong = handler("wrong", async (ctx) => ctx.set("total", 0), shared);
    await using engine = await startEngine(db.url, [add, peek, wrong]);
    await using other = await startEngine(db.url, [add, peek, wrong]);
    const engines = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? engine : other));
    const totals = await Promise.all(engines.map((each) => callOf(each, "add")));
    expect(totals.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(await callOf(engine, "peek")).toBe(20);
    expect(await callOf(engine, "peek", "another key")).toBeNull();
    expect(await engine.getState("test", "k")).toEqual(new Map([["total", "20"]]));
    expect(await outcomeOf(engine, "wrong")).toMatchObject({ ok: false, kind: "internal" });
  });
});

describe("many births and completions on few keys, at two nodes, without polls", () => {
  test("E3. E5. no wake-up is lost, and every one runs once", { timeout: 60_000 }, async () => {
    await using db = await createMarks();
    const running = new Map<string, number>();
    const step = handler<number>("step", async (ctx, i) => {
      await ctx.run("step", () => {
        const together = (running.get(ctx.key) ?? 0) + 1;
        running.set(ctx.key, together);
        if (together > 1) throw new Error(`${together} at once`);
      });
      if (i % 5 === 0) await ctx.sleep(1);
      running.set(ctx.key, 0);
      return i;
    });
    await using engine = await startEngine(db.url, [step], { limits });
    await using other = await startEngine(db.url, [step], { limits });
    const call = async (i: number) => callOf(i % 2 === 0 ? engine : other, "step", `k${i % 7}`, i);
    const caller = async (start: number) => {
      const outputs: unknown[] = [];
      for (let i = start; i < 2_000; i += 40) outputs.push(await call(i));
      return outputs;
    };
    const outputs = (await Promise.all(Array.from({ length: 40 }, (_, start) => caller(start)))).flat();
    expect(outputs.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 2_000 }, (_, i) => i));
    const [row] = await query(
      db.url,
      "select sum(attempts)::int as attempts, count(*)::int as calls from engine.invocations",
    );
    expect(row).toEqual({ attempts: 2_000, calls: 2_000 });
    expect(await query(db.url, "select from engine.keys")).toEqual([]);
  });

  test("E5. a poll finds what no hint told of", async () => {
    await using db = await createDatabase();
    const sleeper = handler("sleeper", async (ctx) => ctx.sleep(60_000), shared);
    const done = handler("done", () => Promise.resolve("done"), shared);
    await using engine = await startEngine(db.url, [sleeper, done], { limits: { pollMs: 100 } });
    const id = await send(engine, "sleeper");
    await waitForStatus(engine, id, "running");
    // As a node would that was killed right after its commit: no notification.
    await query(db.url, "update engine.invocations set stop_requested = 'cancel' where handler = 'sleeper'");
    expect(await ended(engine, id)).toMatchObject({ kind: "cancelled" });
    const [block] = await query<{ id: string }>(
      db.url,
      "update engine.shared set next_id = next_id + 1 returning next_id - 1 as id",
    );
    await query(
      db.url,
      `insert into engine.invocations (id, service, key, handler, exclusive, status, priority, input)
       values ($1, 'test', 'k', 'done', false, 'ready', 0, 'null')`,
      [block?.id],
    );
    await expect
      .poll(async () => (await engine.listInvocations({ handler: "done", limit: 1 }))[0]?.status)
      .toBe("succeeded");
  });
});
