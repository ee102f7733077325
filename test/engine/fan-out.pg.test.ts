import { describe, expect, test } from "vitest";
import { type Context, TerminalError } from "../../src/engine/index.ts";
import { eventually } from "../support/eventually.ts";
import {
  callOf,
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

const child = handler<number>(
  "child",
  async (ctx, i) => {
    await ctx.tx(mark, { name: `child ${i}` });
    if (i % 10 === 0) throw new TerminalError("a tenth fails");
    return i;
  },
  shared,
);

function keys(count: number) {
  return Array.from({ length: count }, (_, i) => ({ key: `k${i}`, input: i }));
}

describe("a fan-out", () => {
  test.each([0, 1, 1_000])("of %i: it ends once all have ended, and counts those that failed", async (count) => {
    await using db = await createMarks();
    const parent = handler<number>("parent", async (ctx, size) => ctx.fanOut(child, keys(size)));
    await using engine = await startEngine(db.url, [parent, child]);
    const failed = Math.ceil(count / 10);
    expect(await callOf(engine, "parent", "k", count)).toEqual({ succeeded: count - failed, failed });
    const marks = await marksOf(db.url);
    expect(Object.keys(marks)).toHaveLength(count);
    expect(Object.values(marks).every((times) => times === 1)).toBe(true);
  });

  test("whose children two nodes share: the count is exact", async () => {
    await using db = await createMarks();
    const parent = handler("parent", async (ctx) => ctx.fanOut(child, keys(500)));
    const handlers = [parent, child];
    const limits = { maxResident: 50, maxActive: 20 };
    await using engine = await startEngine(db.url, handlers, { limits });
    await using other = await startEngine(db.url, handlers, { limits });
    expect(await callOf(engine, "parent")).toEqual({ succeeded: 450, failed: 50 });
    expect(Object.values(await marksOf(db.url)).every((times) => times === 1)).toBe(true);
    expect(other.stats().operations).toBeGreaterThan(0);
  });

  test("with a child that is killed, twice: it counts once, as failed", async () => {
    await using db = await createMarks();
    const held = gate();
    const slow = handler<number>(
      "slow",
      async (ctx, i) => (i === 0 ? ctx.sleep(60_000) : ctx.run("hold", () => held.pass())),
      shared,
    );
    const parent = handler("parent", async (ctx) => ctx.fanOut(slow, keys(2)));
    await using engine = await startEngine(db.url, [parent, slow]);
    const id = await send(engine, "parent");
    await held.entered;
    const children = await engine.listInvocations({ handler: "slow", limit: 10 });
    const killed = children.find(({ key }) => key === "k0")?.invocationId ?? "";
    await Promise.all([engine.kill(killed), engine.kill(killed)]);
    await ended(engine, killed);
    await engine.kill(killed);
    held.open();
    expect(outputOf(await ended(engine, id))).toEqual({ succeeded: 1, failed: 1 });
    const [entry] = await query(db.url, "select open, failed from engine.journal where kind = 'fan_out'");
    expect(entry).toEqual({ open: 0, failed: 1 });
  });

  test("twice the same key: its exclusive children run one after the other", async () => {
    await using db = await createMarks();
    let running = 0;
    const step = async (ctx: Context) =>
      ctx.run("step", async () => {
        const together = ++running;
        await new Promise(setImmediate);
        running--;
        return together;
      });
    const exclusive = handler<number>("exclusive", async (ctx) => {
      if ((await step(ctx)) !== 1) throw new TerminalError("not alone");
    });
    const calls = Array.from({ length: 20 }, (_, i) => ({ key: "same", input: i }));
    const parent = handler("parent", async (ctx) => ctx.fanOut(exclusive, calls));
    await using engine = await startEngine(db.url, [parent, exclusive]);
    expect(await callOf(engine, "parent")).toEqual({ succeeded: 20, failed: 0 });
  });

  test("calls from outside go before its children", async () => {
    await using db = await createMarks();
    const order: string[] = [];
    const noted = handler("noted", async (ctx) => ctx.run("note", () => void order.push("child")), shared);
    const parent = handler("parent", async (ctx) => ctx.fanOut(noted, keys(2_000)));
    const probe = handler("probe", async (ctx) => ctx.run("note", () => void order.push("probe")));
    await using engine = await startEngine(db.url, [parent, noted, probe], { limits: { maxActive: 20 } });
    const id = await send(engine, "parent");
    await eventually(() => order.length > 0);
    await callOf(engine, "probe", "another key");
    await ended(engine, id);
    expect(order.indexOf("probe")).toBeLessThan(1_000);
  });
});
