import { describe, expect, test } from "vitest";
import { type Context, TerminalError } from "../../src/engine/index.ts";
import {
  advance,
  callOf,
  createMarks,
  handler,
  mark,
  marksOf,
  query,
  type Registered,
  shared,
  startEngine,
} from "./support.ts";

// Each operation twice: its first attempt fails after it, so that the second
// one repeats it from the journal and must see the same.

const double = handler<number, number>("double", (_ctx, input) => Promise.resolve(input * 2), shared);
const refuse = handler("refuse", () => Promise.reject(new TerminalError("no room", "conflict")), shared);

interface Seen {
  values: unknown[];
  marks: Record<string, number>;
}

/** What `operate` saw in its two attempts. */
async function twice(operate: (ctx: Context) => Promise<unknown>, ...more: Registered[]): Promise<Seen> {
  await using db = await createMarks();
  await query(db.url, "insert into marks values ('seven', 7)");
  const values: unknown[] = [];
  const subject = handler("subject", async (ctx) => {
    values.push(await operate(ctx).catch((error: TerminalError) => [error.name, error.kind, error.message]));
    if (values.length === 1) throw new Error("the first attempt fails");
    return null;
  });
  await using engine = await startEngine(db.url, [subject, double, refuse, ...more]);
  await callOf(engine, "subject");
  return { values, marks: await marksOf(db.url) };
}

describe("what was recorded is repeated", () => {
  const operations: [string, (ctx: Context) => Promise<unknown>, unknown][] = [
    ["run", async (ctx) => ctx.run("step", () => ({ deep: [1] })), { deep: [1] }],
    ["run without a result", async (ctx) => ctx.run("step", () => undefined), null],
    [
      "run that fails for good",
      async (ctx) => ctx.run("step", () => Promise.reject(new TerminalError("broken", "conflict"))),
      ["TerminalError", "conflict", "broken"],
    ],
    ["tx that hits", async (ctx) => ctx.tx(advance, { name: "seven", expected: 7 }), { count: 8 }],
    ["tx that misses", async (ctx) => ctx.tx(advance, { name: "seven", expected: 1 }), null],
    ["call", async (ctx) => ctx.call(double, "k", 21), 42],
    ["call that fails", async (ctx) => ctx.call(refuse, "k", null), ["TerminalError", "conflict", "no room"]],
    [
      "fanOut",
      async (ctx) =>
        ctx.fanOut(double, [
          { key: "a", input: 1 },
          { key: "b", input: 2 },
        ]),
      { succeeded: 2, failed: 0 },
    ],
    ["fanOut of nobody", async (ctx) => ctx.fanOut(double, []), { succeeded: 0, failed: 0 }],
    ["sleep", async (ctx) => ctx.sleep(20), undefined],
    ["get of what was never set", async (ctx) => ctx.get("name"), undefined],
    ["set, get", async (ctx) => (await ctx.set("name", { a: null }), ctx.get("name")), { a: null }],
    ["set, clear, get", async (ctx) => (await ctx.set("name", 1), await ctx.clear("name"), ctx.get("name")), undefined],
    ["all", async (ctx) => ctx.all([ctx.run("a", () => 1), ctx.call(double, "k", 1)]), [1, 2]],
    [
      "all with a failure",
      async (ctx) => ctx.all([ctx.call(double, "k", 1), ctx.call(refuse, "k", null)]),
      ["TerminalError", "conflict", "no room"],
    ],
  ];

  test.each(operations)("E4. %s", async (_name, operate, expected) => {
    const { values } = await twice(operate);
    expect(values).toEqual([expected, expected]);
  });

  test("E4. now and random: the same number again", async () => {
    const { values } = await twice(async (ctx) => [await ctx.now(), await ctx.random()]);
    const [now, random] = values[0] as [number, number];
    expect(values).toEqual([
      [now, random],
      [now, random],
    ]);
    expect(Math.abs(now - Date.now())).toBeLessThan(5_000);
    expect(random).toSatisfy((value: number) => value >= 0 && value < 1);
  });

  test("E4. send: the same id again, and one child", async () => {
    const { values } = await twice(async (ctx) => ctx.send(double, "k", 1));
    expect(values[0]).toMatch(/^inv_1/);
    expect(values[1]).toBe(values[0]);
  });

  test("E4. tx: the effect happens once", async () => {
    const { values, marks } = await twice(async (ctx) => ctx.tx(mark, { name: "once" }));
    expect(values).toEqual([{ count: 1 }, { count: 1 }]);
    expect(marks["once"]).toBe(1);
  });

  test("E4. call: the child runs once", async () => {
    const child = handler("child", async (ctx) => ctx.tx(mark, { name: "child" }), shared);
    const { values, marks } = await twice(async (ctx) => ctx.call(child, "k", null), child);
    expect(values).toEqual([{ count: 1 }, { count: 1 }]);
    expect(marks["child"]).toBe(1);
  });

  test("E4. race: the winner stays, even where the other has come by then", async () => {
    const { values } = await twice(async (ctx) => {
      const slow = ctx.call(double, "k", 1);
      const { index } = await ctx.race([slow, ctx.run("quick", () => 1)]);
      await slow;
      // Once this is in, the winner is as well.
      await ctx.run("after", () => 1);
      return index;
    });
    expect(values).toEqual([1, 1]);
  });

  test("E4. race with an operation that failed: its position, and its failure at its own await", async () => {
    const { values } = await twice(async (ctx) => {
      const failing = ctx.call(refuse, "k", null);
      const { index } = await ctx.race([ctx.awakeable().value, failing]);
      return [
        index,
        await failing.then(
          () => "passed",
          (error: TerminalError) => error.kind,
        ),
      ];
    });
    expect(values).toEqual([
      [1, "conflict"],
      [1, "conflict"],
    ]);
  });

  test("an awakeable has the same id again", async () => {
    const { values } = await twice(async (ctx) => (await ctx.run("step", () => 1), ctx.awakeable().id));
    expect(values[0]).toMatch(/^sign_1/);
    expect(values[1]).toBe(values[0]);
  });
});
