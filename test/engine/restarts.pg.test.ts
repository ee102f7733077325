import { describe, expect, test } from "vitest";
import { effectCall, TerminalError } from "../../src/engine/index.ts";
import { createDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import {
  blocked,
  createMarks,
  ended,
  gate,
  handler,
  holdLock,
  mark,
  marksOf,
  outcomeOf,
  outputOf,
  query,
  send,
  shared,
  startEngine,
  statusOf,
  waitForStatus,
} from "./support.ts";

describe("restarting one that has ended", () => {
  test("a new one with the same input and key runs; the old one is kept as it was", async () => {
    await using db = await createDatabase();
    const inputs: string[] = [];
    const noted = handler<string>(
      "noted",
      async (ctx, input) => (inputs.push(`${ctx.key}:${input}`), ctx.invocationId),
    );
    await using engine = await startEngine(db.url, [noted]);
    const id = await send(engine, "noted", "k", "in");
    await ended(engine, id);
    const again = await engine.restart(id);
    expect(outputOf(await ended(engine, again?.invocationId ?? ""))).toBe(again?.invocationId);
    expect(inputs).toEqual(["k:in", "k:in"]);
    expect(outputOf(await ended(engine, id))).toBe(id);
  });

  test("repeated with one idempotency key: one new one", async () => {
    await using db = await createDatabase();
    const fine = handler("fine", () => Promise.resolve("done"), shared);
    await using engine = await startEngine(db.url, [fine]);
    const id = await send(engine, "fine");
    await ended(engine, id);
    const [first, second] = [
      await engine.restart(id, { idempotencyKey: "once" }),
      await engine.restart(id, { idempotencyKey: "once" }),
    ];
    expect(second).toEqual({ ...first, repeated: true });
    expect(await engine.listInvocations({ limit: 10 })).toHaveLength(2);
  });

  test("its handler's door judges it, and does not change the input again", async () => {
    await using db = await createMarks();
    let open = true;
    const doubled = handler<number>("doubled", (_ctx, input) => Promise.resolve(input), {
      accept: (input) => ({
        input: input * 2,
        admission: {
          call: effectCall(mark, { name: "admitted" }),
          judge: () => (open ? undefined : new TerminalError("closed", "conflict")),
        },
      }),
    });
    await using engine = await startEngine(db.url, [doubled]);
    const id = await send(engine, "doubled", "k", 1);
    expect(outputOf(await ended(engine, id))).toBe(2);
    const again = await engine.restart(id);
    expect(outputOf(await ended(engine, again?.invocationId ?? ""))).toBe(2);
    expect(await marksOf(db.url)).toEqual({ admitted: 2 });
    open = false;
    await expect(engine.restart(id)).rejects.toMatchObject({ kind: "conflict", message: "closed" });
  });

  test("from an entry on: what is before it is not done again, sleeps and calls neither", async () => {
    await using db = await createMarks();
    let fail = true;
    const child = handler("child", async (ctx) => ctx.tx(mark, { name: "child" }).then(() => "from child"), shared);
    const steps = handler("steps", async (ctx) => {
      await ctx.tx(mark, { name: "first" });
      const called = await ctx.call(child, "c", null);
      await ctx.sleep(1);
      await ctx.tx(mark, { name: "second" });
      if (fail) throw new TerminalError("broken", "conflict");
      return called;
    });
    await using engine = await startEngine(db.url, [steps, child]);
    const id = await send(engine, "steps");
    expect(await ended(engine, id)).toMatchObject({ ok: false });
    fail = false;
    const again = await engine.restart(id, { fromEntry: 3 });
    expect(again?.invocationId).not.toBe(id);
    expect(outputOf(await ended(engine, again?.invocationId ?? ""))).toBe("from child");
    expect(await marksOf(db.url)).toEqual({ first: 1, child: 1, second: 2 });
    // The outcome of what it called is in its own journal now.
    const [called] = await engine.listInvocations({ handler: "child", limit: 1 });
    await engine.purge(called?.invocationId ?? "");
    const third = await engine.restart(again?.invocationId ?? "", { fromEntry: 3 });
    expect(outputOf(await ended(engine, third?.invocationId ?? ""))).toBe("from child");
  });

  test("from an entry beyond what has completed: refused, and said which are", async () => {
    await using db = await createDatabase();
    const sleeper = handler("sleeper", async (ctx) => (await ctx.run("step", () => 1), ctx.call(sleeper2, "x", null)));
    const sleeper2 = handler("sleeper2", async (ctx) => ctx.sleep(60_000));
    await using engine = await startEngine(db.url, [sleeper, sleeper2]);
    const id = await send(engine, "sleeper");
    await eventually(async () => (await engine.getInvocation(id))?.journal.length === 2);
    await engine.kill(id);
    await ended(engine, id);
    await expect(engine.restart(id, { fromEntry: 2 })).rejects.toMatchObject({
      kind: "conflict",
      message: `invocation ${id} can be restarted from entry 0 to 1: what comes then has not completed`,
    });
  });

  test("its journal is deleted meanwhile: refused, and nothing is born", async () => {
    await using db = await createDatabase();
    const stepping = handler("stepping", async (ctx) => ctx.run("step", () => "done"), shared);
    await using engine = await startEngine(db.url, [stepping]);
    const id = await send(engine, "stepping");
    await ended(engine, id);
    const stuck = gate();
    const locking = holdLock(db.url, "select from engine.nodes for update", stuck);
    await stuck.entered;
    const restarted = engine.restart(id, { fromEntry: 1 }).catch((error: unknown) => error);
    await eventually(async () => (await blocked(db.url)).length === 1);
    await query(db.url, "delete from engine.journal");
    stuck.open();
    await locking;
    expect(await restarted).toMatchObject({ kind: "conflict", message: expect.stringContaining(id) });
    expect(await engine.listInvocations({ limit: 10 })).toHaveLength(1);
  });
});

describe("restarting one that is open", () => {
  test("that runs: refused", async () => {
    await using db = await createDatabase();
    const sleeper = handler("sleeper", async (ctx) => ctx.sleep(60_000));
    await using engine = await startEngine(db.url, [sleeper]);
    const id = await send(engine, "sleeper");
    await expect(engine.restart(id)).rejects.toMatchObject({ kind: "conflict" });
    await expect(engine.restart(id, { fromEntry: 1 })).rejects.toMatchObject({ kind: "conflict" });
    expect(await engine.restart("inv_10000000000")).toBeUndefined();
  });

  test("that no longer matches its journal: from the entry where it parts it goes on itself", async () => {
    await using db = await createMarks();
    const held = gate();
    const v1 = handler("subject", async (ctx) => {
      await ctx.tx(mark, { name: "kept" });
      await ctx.run("old step", () => 1);
      await ctx.sleep(60_000);
    });
    const before = await startEngine(db.url, [v1]);
    const id = await send(before, "subject");
    await eventually(async () => (await before.getInvocation(id))?.journal.length === 3);
    await before.stop();
    const v2 = handler("subject", async (ctx) => {
      await ctx.tx(mark, { name: "kept" });
      await ctx.run("new step", () => held.pass());
      return "done";
    });
    await using engine = await startEngine(db.url, [v2]);
    await waitForStatus(engine, id, "parked");
    expect((await engine.getInvocation(id))?.invocation.failure).toContain('the handler now does run "new step"');
    held.open();
    expect(await engine.restart(id, { fromEntry: 1 })).toEqual({ invocationId: id, repeated: false });
    expect(outputOf(await ended(engine, id))).toBe("done");
    expect(await marksOf(db.url)).toEqual({ kept: 1 });
    expect(await query(db.url, "select from engine.timers")).toEqual([]);
  });

  test("that is parked while something it called runs: refused, and said which", async () => {
    await using db = await createDatabase();
    const child = handler("child", async (ctx) => ctx.sleep(60_000), shared);
    const parent = handler("parent", async (ctx) => (await ctx.run("step", () => 1), ctx.call(child, "c", null)));
    await using engine = await startEngine(db.url, [parent, child]);
    const id = await send(engine, "parent");
    await eventually(async () => (await engine.listInvocations({ handler: "child", limit: 1 })).length === 1);
    const [called] = await engine.listInvocations({ handler: "child", limit: 1 });
    await engine.pause(id);
    await waitForStatus(engine, id, "parked");
    await expect(engine.restart(id, { fromEntry: 1 })).rejects.toMatchObject({
      kind: "conflict",
      message: expect.stringContaining(called?.invocationId ?? "?"),
    });
    expect(await statusOf(engine, id)).toBe("parked");
  });
});

test("purging one whose caller is open: refused, and said who that is", async () => {
  await using db = await createDatabase();
  const held = gate();
  const child = handler("child", () => Promise.resolve("kept"), shared);
  const parent = handler("parent", async (ctx) => {
    const output = await ctx.call(child, "c", null);
    await ctx.run("hold", () => held.pass());
    return output;
  });
  await using engine = await startEngine(db.url, [parent, child]);
  const id = await send(engine, "parent");
  await held.entered;
  const [called] = await engine.listInvocations({ parentId: id, limit: 10 });
  const calledId = called?.invocationId ?? "";
  await expect(engine.purge(calledId)).rejects.toMatchObject({
    kind: "conflict",
    message: expect.stringContaining(id),
  });
  held.open();
  expect(await ended(engine, id)).toMatchObject({ ok: true });
  expect(await engine.purge(calledId)).toBe(true);
  expect(await outcomeOf(engine, "child")).toMatchObject({ ok: true });
});
