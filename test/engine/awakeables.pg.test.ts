import { describe, expect, test } from "vitest";
import { formatAwakeableId } from "../../src/engine/ids.ts";
import { createDatabase } from "../support/database.ts";
import { ended, gate, handler, outputOf, query, send, shared, startEngine } from "./support.ts";

/** A handler that hands its awakeable's id out and waits for it, after `before`. */
function waiter(before: () => Promise<void> = () => Promise.resolve()) {
  const opened = Promise.withResolvers<string>();
  const waiting = handler(
    "waiting",
    async (ctx) => {
      const { id, value } = ctx.awakeable();
      await ctx.run("tell", () => opened.resolve(id));
      await ctx.run("before", before);
      return value.then(
        (came) => ({ came }),
        (error: Error) => ({ failed: error.message }),
      );
    },
    shared,
  );
  return { waiting, opened: opened.promise };
}

describe("an awakeable", () => {
  test.each([
    ["a value", (engine, id) => engine.resolveAwakeable(id, '{"a":1}'), { came: { a: 1 } }],
    ["null", (engine, id) => engine.resolveAwakeable(id, "null"), { came: null }],
    ["a failure", (engine, id) => engine.rejectAwakeable(id, "no luck"), { failed: "no luck" }],
  ] satisfies [string, (engine: Awaited<ReturnType<typeof startEngine>>, id: string) => Promise<void>, unknown][])(
    "completed with %s after the handler waits: it gets that",
    async (_what, complete, expected) => {
      await using db = await createDatabase();
      const { waiting, opened } = waiter();
      await using engine = await startEngine(db.url, [waiting]);
      const id = await send(engine, "waiting");
      const awakeableId = await opened;
      await expect.poll(async () => (await engine.getInvocation(id))?.journal.length).toBe(2);
      await complete(engine, awakeableId);
      expect(outputOf(await ended(engine, id))).toEqual(expected);
    },
  );

  test("E1. completed before the handler waits: the value is kept, also across a restart", async () => {
    await using db = await createDatabase();
    const held = gate();
    const { waiting, opened } = waiter(held.pass);
    const first = await startEngine(db.url, [waiting], { limits: { drainMs: 10 } });
    const id = await send(first, "waiting");
    const awakeableId = await opened;
    await held.entered;
    await first.resolveAwakeable(awakeableId, '"early"');
    await first.stop();
    held.open();
    await using second = await startEngine(db.url, [waiting]);
    expect(outputOf(await ended(second, id))).toEqual({ came: "early" });
  });

  test("completed on another node: the handler is woken by the hint, without a poll", async () => {
    await using db = await createDatabase();
    const { waiting, opened } = waiter();
    const limits = { pollMs: 60_000, leaseMs: 60_000 };
    await using engine = await startEngine(db.url, [waiting], { limits });
    await using other = await startEngine(db.url, [], { limits });
    const id = await send(engine, "waiting");
    const awakeableId = await opened;
    await expect.poll(async () => (await engine.getInvocation(id))?.journal.length).toBe(2);
    await other.resolveAwakeable(awakeableId, '"from afar"');
    expect(outputOf(await ended(engine, id))).toEqual({ came: "from afar" });
  });

  test("E4. completed many times at once: the first completion counts, for good", async () => {
    await using db = await createDatabase();
    const { waiting, opened } = waiter();
    await using engine = await startEngine(db.url, [waiting]);
    const id = await send(engine, "waiting");
    const awakeableId = await opened;
    await Promise.all(Array.from({ length: 10 }, (_, i) => engine.resolveAwakeable(awakeableId, String(i))));
    await engine.rejectAwakeable(awakeableId, "too late");
    expect(outputOf(await ended(engine, id))).toEqual({ came: 0 });
    await engine.resolveAwakeable(awakeableId, '"after the end"');
    const [row] = await query(db.url, "select value from engine.journal where kind = 'awakeable'");
    expect(row).toEqual({ value: "0" });
  });

  test("completed with what is no JSON: refused as invalid, and the handler goes on waiting", async () => {
    await using db = await createDatabase();
    const { waiting, opened } = waiter();
    await using engine = await startEngine(db.url, [waiting]);
    const id = await send(engine, "waiting");
    const awakeableId = await opened;
    await expect(engine.resolveAwakeable(awakeableId, "{")).rejects.toMatchObject({ kind: "invalid" });
    await engine.resolveAwakeable(awakeableId, "1");
    expect(outputOf(await ended(engine, id))).toEqual({ came: 1 });
  });

  test("with a forged id: refused as invalid; of an invocation that is not there: nothing happens", async () => {
    await using db = await createDatabase();
    await using engine = await startEngine(db.url, []);
    const forged = formatAwakeableId({ invocationId: 1, entry: 0 }, Buffer.alloc(32));
    await expect(engine.resolveAwakeable(forged, "1")).rejects.toMatchObject({ kind: "invalid" });
    const [row] = await query<{ secret: Buffer }>(db.url, "select secret from engine.shared");
    const unknown = formatAwakeableId({ invocationId: 1, entry: 0 }, row?.secret ?? Buffer.alloc(0));
    await engine.resolveAwakeable(unknown, "1");
    expect(await query(db.url, "select from engine.journal")).toEqual([]);
  });
});
