import { describe, expect, test } from "vitest";
import { createDatabase } from "../support/database.ts";
import { ended, handler, outputOf, query, send, shared, startEngine, statusOf, waitForStatus } from "./support.ts";

const echo = handler<string>("echo", (_ctx, text) => Promise.resolve(text));

function invokeLater(engine: Awaited<ReturnType<typeof startEngine>>, delayMs: number, text = "late", key = "k") {
  return engine.invoke({ service: "test", handler: "echo", key, input: text, delayMs });
}

describe("a call with a delay", () => {
  test("starts when its time has come, and says when that is", async () => {
    await using db = await createDatabase();
    await using engine = await startEngine(db.url, [echo], { limits: { pollMs: 60_000 } });
    const calledAt = Date.now();
    const { invocationId, startAt } = await invokeLater(engine, 300);
    expect(startAt?.getTime()).toSatisfy((at: number) => at >= calledAt + 250 && at <= Date.now() + 300);
    expect(await statusOf(engine, invocationId)).toBe("scheduled");
    const outcome = await ended(engine, invocationId);
    expect(outputOf(outcome)).toBe("late");
    const [row] = await query<{ late: boolean }>(
      db.url,
      "select completed_at >= start_at as late from engine.invocations",
    );
    expect(row?.late).toBe(true);
  });

  test("does not hold its key before, and takes its place in the line then", async () => {
    await using db = await createDatabase();
    await using engine = await startEngine(db.url, [echo]);
    const late = await invokeLater(engine, 150);
    const now = await engine.invoke({ service: "test", handler: "echo", key: "k", input: "now" });
    const [first, second] = await Promise.all([ended(engine, now.invocationId), ended(engine, late.invocationId)]);
    expect([outputOf(first), outputOf(second)]).toEqual(["now", "late"]);
    expect(first.completedAt.getTime()).toBeLessThan(second.completedAt.getTime());
  });

  test("E3. many of one key: they run in the order of their times", async () => {
    await using db = await createDatabase();
    const order: string[] = [];
    const noted = handler<string>("echo", async (ctx, text) => ctx.run("note", () => void order.push(text)));
    await using engine = await startEngine(db.url, [noted]);
    const calls = await Promise.all([3, 1, 2, 0].map((i) => invokeLater(engine, 100 + i * 30, String(i))));
    await Promise.all(calls.map(({ invocationId }) => ended(engine, invocationId)));
    expect(order).toEqual(["0", "1", "2", "3"]);
  });

  test("E1. whose time comes while no server runs: the next one starts it", async () => {
    await using db = await createDatabase();
    const first = await startEngine(db.url, [echo]);
    const { invocationId } = await invokeLater(first, 50);
    await first.stop();
    await expect
      .poll(async () => await query(db.url, "select from engine.invocations where start_at < now()"))
      .toHaveLength(1);
    await using second = await startEngine(db.url, [echo], { limits: { pollMs: 60_000 } });
    expect(outputOf(await ended(second, invocationId))).toBe("late");
  });

  test("that is cancelled: it ends at once, its handler learns of it at its first await", async () => {
    await using db = await createDatabase();
    const awaits = handler<string>("echo", async (ctx) => ctx.sleep(0));
    await using engine = await startEngine(db.url, [awaits], { limits: { pollMs: 60_000 } });
    const { invocationId } = await invokeLater(engine, 3_600_000);
    expect(await engine.cancel(invocationId)).toBe(true);
    expect(await ended(engine, invocationId)).toMatchObject({ ok: false, kind: "cancelled" });
    const killed = await invokeLater(engine, 3_600_000);
    expect(await engine.kill(killed.invocationId)).toBe(true);
    expect(await ended(engine, killed.invocationId)).toMatchObject({ ok: false, kind: "killed" });
    expect(await query(db.url, "select from engine.keys")).toEqual([]);
  });

  test("between handlers: the child starts later, and the parent does not wait for it", async () => {
    await using db = await createDatabase();
    const parent = handler("parent", async (ctx) => ctx.send(echo, "child", "later", { delayMs: 100 }));
    await using engine = await startEngine(db.url, [parent, echo]);
    const childId = String(outputOf(await ended(engine, await send(engine, "parent"))));
    expect(await statusOf(engine, childId)).toBe("scheduled");
    expect(outputOf(await ended(engine, childId))).toBe("later");
  });
});

describe("a sleep", () => {
  test("E1. goes on across a restart, by the time at which it was to end", async () => {
    await using db = await createDatabase();
    const sleeper = handler("sleeper", async (ctx) => (await ctx.sleep(600), "awake"), shared);
    const first = await startEngine(db.url, [sleeper]);
    const id = await send(first, "sleeper");
    await expect.poll(async () => (await first.getInvocation(id))?.journal.length).toBe(1);
    await first.stop();
    await using second = await startEngine(db.url, [sleeper]);
    await waitForStatus(second, id, "running");
    expect(outputOf(await ended(second, id))).toBe("awake");
    const [row] = await query<{ ms: number }>(
      db.url,
      "select extract(epoch from completed_at - created_at)::float8 * 1000 as ms from engine.invocations",
    );
    expect(row?.ms).toSatisfy((ms: number) => ms >= 595 && ms < 1_500);
    expect(await query(db.url, "select from engine.timers")).toEqual([]);
  });
});
