import { describe, expect, test } from "vitest";
import { defineEffect, effectCall, TerminalError } from "../../src/engine/index.ts";
import {
  advance,
  blocked,
  callOf,
  createMarks,
  ended,
  gate,
  handler,
  holdRow,
  mark,
  marksOf,
  outcomeOf,
  outputOf,
  query,
  send,
  shared,
  startEngine,
} from "./support.ts";

/** Counts a name up; of two rows about one name it would hear only one. */
const bump = defineEffect<{ name: string }, { count: number }>({
  name: "bump",
  input: { name: "text" },
  output: { count: "int4" },
  sql: `update marks m set count = m.count + 1 from $input where m.name = input.name returning ord, m.count`,
  record: ({ name }) => name,
});

/** An effect that notes its row, with statements around it. */
function noteBetween(name: string, prelude: string, epilogue: string) {
  return defineEffect<{ text: string }, object>({
    name,
    input: { text: "text" },
    output: {},
    sql: "insert into notes (text) select text from $input order by ord returning 1 as ord",
    prelude: `insert into notes (text) values ('${prelude}')`,
    epilogue: `insert into notes (text) values ('${epilogue}')`,
  });
}

describe("effects of one batch", () => {
  test("E4. many that touch the same record: each happens once, in the order in which they were made", async () => {
    await using db = await createMarks();
    await query(db.url, "insert into marks values ('same', 0)");
    const count = handler("count", async (ctx) => ctx.tx(bump, { name: "same" }), shared);
    await using engine = await startEngine(db.url, [count]);
    const outputs = await Promise.all(Array.from({ length: 50 }, () => callOf(engine, "count")));
    const counts = outputs.map((output) => (output as { count: number }).count);
    expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(await marksOf(db.url)).toEqual({ same: 50 });
  });

  test("E4. one that raises: it fails its own attempt only, and the others of its batch are in once", async () => {
    await using db = await createMarks();
    const count = handler<string>("count", async (ctx, name) => ctx.tx(mark, { name }), {
      ...shared,
      retry: { maxAttempts: 2 },
    });
    await using engine = await startEngine(db.url, [count]);
    const bad = await send(engine, "count", "bad", "forbidden");
    const good = await Promise.all(Array.from({ length: 20 }, (_, i) => callOf(engine, "count", "k", `good ${i}`)));
    expect(good).toEqual(Array.from({ length: 20 }, () => ({ count: 1 })));
    await expect.poll(async () => (await engine.getInvocation(bad))?.invocation.status).toBe("parked");
    expect((await engine.getInvocation(bad))?.invocation.failure).toContain("marks_name_check");
    expect(await marksOf(db.url)).not.toHaveProperty("forbidden");
  });

  test("E4. two of one handler that awaits neither: they happen in the order in which it made them", async () => {
    await using db = await createMarks();
    const first = handler<string>(
      "first",
      async (ctx, name) => {
        const marked = ctx.tx(mark, { name });
        const advanced = ctx.tx(advance, { name, expected: 1 });
        return [await marked, await advanced];
      },
      shared,
    );
    // Its rows make the batches run `advance` before `mark`.
    const other = handler("other", async (ctx) => ctx.tx(advance, { name: "nobody", expected: 1 }), shared);
    await using engine = await startEngine(db.url, [first, other]);
    const outputs = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        void outcomeOf(engine, "other");
        return await callOf(engine, "first", "k", `name ${i}`);
      }),
    );
    expect(outputs).toEqual(Array.from({ length: 20 }, () => [{ count: 1 }, { count: 2 }]));
  });
});

describe("a tx that ends the invocation", () => {
  const end = (result: { count: number } | null) => (result ? { output: `ended at ${result.count}` } : undefined);

  test("where it hits: the handler does not go on, and the outcome commits with the effect", async () => {
    await using db = await createMarks();
    let wentOn = false;
    const ending = handler("ending", async (ctx) => {
      await ctx.tx(mark, { name: "end" }, { end });
      wentOn = true;
      return "not this";
    });
    await using engine = await startEngine(db.url, [ending]);
    expect(await callOf(engine, "ending")).toBe("ended at 1");
    expect(wentOn).toBe(false);
    // Its key is free again.
    expect(await callOf(engine, "ending")).toBe("ended at 2");
  });

  test("where it misses: the handler goes on", async () => {
    await using db = await createMarks();
    const ending = handler("ending", async (ctx) => {
      const missed = await ctx.tx(advance, { name: "nobody", expected: 1 }, { end });
      return [missed, await ctx.run("after", () => "went on")];
    });
    await using engine = await startEngine(db.url, [ending]);
    expect(await callOf(engine, "ending")).toEqual([null, "went on"]);
  });

  test("E4. whose `end` throws: the attempt fails, and the effect did not happen", async () => {
    await using db = await createMarks();
    let attempts = 0;
    const throwing = handler("throwing", async (ctx) => {
      const attempt = ++attempts;
      return ctx.tx(
        mark,
        { name: "once" },
        {
          end: () => {
            if (attempt === 1) throw new Error("no output");
            return undefined;
          },
        },
      );
    });
    await using engine = await startEngine(db.url, [throwing]);
    expect(await callOf(engine, "throwing")).toEqual({ count: 1 });
    expect(await marksOf(db.url)).toEqual({ once: 1 });
  });

  test("E4. that commits while the invocation is killed: callers are told the outcome that is stored", async () => {
    await using db = await createMarks();
    await query(db.url, "insert into marks values ('held', 0)");
    const ending = handler("ending", async (ctx) => ctx.tx(advance, { name: "held", expected: 0 }, { end }), {
      ...shared,
      abandoned: () => effectCall(mark, { name: "abandoned" }),
    });
    const waiting = handler("waiting", async (ctx) => ctx.call(ending, "k", null), shared);
    await using engine = await startEngine(db.url, [ending, waiting]);
    await using other = await startEngine(db.url, [ending, waiting]);
    const locked = gate();
    // Keeps the batch with the effect in flight until the kill has been asked for.
    const lock = holdRow(db.url, "held", locked);
    await locked.entered;
    const parent = await send(engine, "waiting");
    await expect.poll(async () => (await blocked(db.url)).length).toBe(1);
    const [child] = await engine.listInvocations({ handler: "ending", limit: 1 });
    await other.kill(child?.invocationId ?? "");
    // The kill has reached the attempt: its end waits behind the batch.
    await expect.poll(() => engine.stats().queuedOperations).toBeGreaterThan(0);
    locked.open();
    await lock;
    const stored = await ended(engine, child?.invocationId ?? "");
    const told = await ended(engine, parent);
    expect(outputOf(told)).toBe(outputOf(stored));
    expect(outputOf(stored)).toBe("ended at 1");
    expect(await marksOf(db.url)).toEqual({ held: 1 });
  });
});

describe("effects from outside", () => {
  test("execute: the result, or null where it missed", async () => {
    await using db = await createMarks();
    await using engine = await startEngine(db.url, []);
    expect(await engine.execute(mark, { name: "a" })).toEqual({ count: 1 });
    expect(await engine.execute(advance, { name: "a", expected: 5 })).toBeNull();
    await expect(engine.execute(mark, { name: "forbidden" })).rejects.toThrow("marks_name_check");
  });

  test("executeMany: a result for each row, in their order", async () => {
    await using db = await createMarks();
    await using engine = await startEngine(db.url, []);
    await engine.executeMany(mark, [{ name: "b" }, { name: "c" }]);
    const rows = ["a", "b", "c", "d"].map((name) => ({ name, expected: 1 }));
    expect(await engine.executeMany(advance, rows)).toEqual([null, { count: 2 }, { count: 2 }, null]);
    expect(await engine.executeMany(advance, [])).toEqual([]);
  });

  test("preludes come before every effect of a batch, epilogues after, each text once", async () => {
    await using db = await createMarks();
    await query(db.url, "create table notes (id serial, text text)");
    const one = noteBetween("one", "before", "after");
    const two = noteBetween("two", "before", "after");
    const both = handler<number>("both", async (ctx, i) => void (await ctx.tx(i ? one : two, { text: "x" })), shared);
    await using engine = await startEngine(db.url, [both]);
    await Promise.all([outcomeOf(engine, "both", "k", 0), outcomeOf(engine, "both", "k", 1)]);
    const texts = (await query<{ text: string }>(db.url, "select text from notes order by id")).map(({ text }) => text);
    expect(texts).toEqual(["before", "x", "x", "after"]);
  });

  test("an effect that resolves an awakeable and cancels an invocation: both happen in its commit", async () => {
    await using db = await createMarks();
    const signal = defineEffect<{ name: string; awakeableId: string; invocationId: string }, { count: number }>({
      name: "signal",
      input: { name: "text", awakeableId: "text", invocationId: "text" },
      output: { count: "int4" },
      sql: `insert into marks (name, count) select name, 1 from $input returning 1 as ord, count`,
      actions: ({ awakeableId, invocationId }, { count }) => [
        { kind: "resolve", awakeableId, value: { count } },
        { kind: "cancel", invocationId },
      ],
    });
    const opened = Promise.withResolvers<string>();
    const waiting = handler(
      "waiting",
      async (ctx) => {
        const { id, value } = ctx.awakeable();
        opened.resolve(id);
        return value;
      },
      shared,
    );
    const cancelled = handler("cancelled", async (ctx) => ctx.sleep(60_000));
    await using engine = await startEngine(db.url, [waiting, cancelled]);
    const [one, other] = [await send(engine, "waiting"), await send(engine, "cancelled")];
    await engine.execute(signal, { name: "n", awakeableId: await opened.promise, invocationId: other });
    expect(outputOf(await ended(engine, one))).toEqual({ count: 1 });
    expect(await ended(engine, other)).toMatchObject({ ok: false, kind: "cancelled" });
  });

  test("a malformed id in an action: the call fails, and its effect did not happen", async () => {
    await using db = await createMarks();
    const bad = defineEffect<{ name: string }, { count: number }>({
      ...mark,
      name: "bad",
      actions: () => [{ kind: "cancel", invocationId: "nobody" }],
    });
    await using engine = await startEngine(db.url, []);
    await expect(engine.execute(bad, { name: "a" })).rejects.toBeInstanceOf(TerminalError);
    expect(await marksOf(db.url)).toEqual({});
  });
});
