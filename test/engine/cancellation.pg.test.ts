import { describe, expect, test } from "vitest";
import { CancelledError, type Context, type Engine } from "../../src/engine/index.ts";
import { createDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import {
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
  statusOf,
  waitForStatus,
} from "./support.ts";

const cancelled = { ok: false, kind: "cancelled", message: "cancelled" };

async function waits(engine: Engine, id: string): Promise<void> {
  await expect.poll(async () => (await engine.getInvocation(id))?.journal.length).toBeGreaterThan(0);
}

describe("cancelling an invocation", () => {
  test("that waits: its await throws, and its failure is the outcome", async () => {
    await using db = await createDatabase();
    const sleeper = handler("sleeper", async (ctx) => ctx.sleep(60_000));
    await using engine = await startEngine(db.url, [sleeper]);
    const id = await send(engine, "sleeper");
    await waits(engine, id);
    expect(await engine.cancel(id)).toBe(true);
    expect(await ended(engine, id)).toMatchObject(cancelled);
    // Of one that has ended: true, and nothing changes.
    expect(await engine.cancel(id)).toBe(true);
    expect(await ended(engine, id)).toMatchObject(cancelled);
  });

  test("of which there is none: false", async () => {
    await using db = await createDatabase();
    await using engine = await startEngine(db.url, []);
    expect(await engine.cancel("inv_10000000000")).toBe(false);
    await expect(engine.cancel("nobody")).rejects.toMatchObject({ kind: "invalid" });
  });

  test("that waits in line: it ends at once, and its handler never runs", async () => {
    await using db = await createDatabase();
    const held = gate();
    const holder = handler("holder", async (ctx) => ctx.run("hold", () => held.pass()));
    let runs = 0;
    const next = handler("next", () => Promise.resolve(++runs));
    await using engine = await startEngine(db.url, [holder, next]);
    await send(engine, "holder");
    await held.entered;
    const id = await send(engine, "next");
    const behind = await send(engine, "next");
    await engine.cancel(id);
    expect(await ended(engine, id)).toMatchObject(cancelled);
    expect(await statusOf(engine, behind)).toBe("queued");
    held.open();
    expect(outputOf(await ended(engine, behind))).toBe(1);
  });

  test("during a step: the step's signal is aborted, and the await of it throws", async () => {
    await using db = await createDatabase();
    const entered = Promise.withResolvers<void>();
    const stepping = handler("stepping", async (ctx) =>
      ctx.run("step", (signal) => {
        entered.resolve();
        return new Promise((resolve) => signal.addEventListener("abort", resolve));
      }),
    );
    await using engine = await startEngine(db.url, [stepping]);
    const id = await send(engine, "stepping");
    await entered.promise;
    await engine.cancel(id);
    expect(await ended(engine, id)).toMatchObject(cancelled);
  });

  test("E5. during a step, and its hint was lost: a poll brings it", async () => {
    await using db = await createDatabase();
    const entered = Promise.withResolvers<void>();
    const stepping = handler("stepping", async (ctx) =>
      ctx.run("step", (signal) => {
        entered.resolve();
        return new Promise((resolve) => signal.addEventListener("abort", resolve));
      }),
    );
    await using engine = await startEngine(db.url, [stepping], { limits: { pollMs: 50 } });
    const id = await send(engine, "stepping");
    await entered.promise;
    await query(db.url, "update engine.invocations set stop_requested = 'cancel'");
    expect(await ended(engine, id)).toMatchObject(cancelled);
  });

  test("from another node: it arrives there", async () => {
    await using db = await createDatabase();
    const sleeper = handler("sleeper", async (ctx) => ctx.sleep(60_000));
    await using engine = await startEngine(db.url, [sleeper], { limits: { pollMs: 60_000 } });
    await using other = await startEngine(db.url, [sleeper], { limits: { pollMs: 60_000 } });
    const id = await send(engine, "sleeper");
    await waits(engine, id);
    await other.cancel(id);
    expect(await ended(other, id)).toMatchObject(cancelled);
  });

  test("whose handler catches it: it may go on, and awaits the same thing again", async () => {
    await using db = await createMarks();
    const opened = Promise.withResolvers<string>();
    let fail = true;
    const stubborn = handler("stubborn", async (ctx) => {
      const { id, value } = ctx.awakeable<string>();
      opened.resolve(id);
      const first = await value.then(undefined, (error: Error) => error.name);
      await ctx.tx(mark, { name: "cleaned up" });
      const second = await value;
      if (fail) {
        fail = false;
        throw new Error("once more, from the journal");
      }
      return [first, second];
    });
    await using engine = await startEngine(db.url, [stubborn]);
    const id = await send(engine, "stubborn");
    const awakeableId = await opened.promise;
    await engine.cancel(id);
    await expect.poll(async () => (await engine.getInvocation(id))?.journal.length).toBe(2);
    await engine.resolveAwakeable(awakeableId, '"done"');
    expect(outputOf(await ended(engine, id))).toEqual(["CancelledError", "done"]);
    expect(await marksOf(db.url)).toEqual({ "cleaned up": 1 });
  });

  test("E4. a cancellation that was recorded ends the same await in a replay", async () => {
    await using db = await createDatabase();
    const seen: unknown[] = [];
    const twice = handler("twice", async (ctx) => {
      const before = await ctx.run("before", () => "before");
      const during = await ctx.sleep(60_000).then(undefined, (error: Error) => error instanceof CancelledError);
      const after = await ctx.run("after", () => "after");
      seen.push([before, during, after]);
      if (seen.length === 1) throw new Error("once more, from the journal");
      return seen;
    });
    await using engine = await startEngine(db.url, [twice]);
    const id = await send(engine, "twice");
    await expect.poll(async () => (await engine.getInvocation(id))?.journal.length).toBe(2);
    await engine.cancel(id);
    const expected = ["before", true, "after"];
    expect(outputOf(await ended(engine, id))).toEqual([expected, expected]);
    expect((await engine.getInvocation(id))?.journal.map(({ kind }) => kind)).toEqual([
      "run",
      "sleep",
      "cancel",
      "run",
    ]);
  });

  test("that comes while the handler repeats its journal: it ends the first await that is new", async () => {
    await using db = await createDatabase();
    const steps = async (ctx: Context) => {
      await ctx.sleep(1);
      await ctx.run("step", () => "ran");
    };
    const before = handler("subject", async (ctx) => (await steps(ctx), ctx.sleep(60_000)));
    const stopped = await startEngine(db.url, [before]);
    const id = await send(stopped, "subject");
    await expect.poll(async () => (await stopped.getInvocation(id))?.journal.length).toBe(3);
    await stopped.stop();
    // It has no such handler and leaves it for one that has.
    const canceller = await startEngine(db.url, []);
    expect(await canceller.cancel(id)).toBe(true);
    expect(await statusOf(canceller, id)).toBe("ready");
    await canceller.stop();
    const after = handler("subject", async (ctx) => {
      await steps(ctx);
      return ctx.sleep(60_000).then(undefined, (error: Error) => error.name);
    });
    await using engine = await startEngine(db.url, [after]);
    expect(outputOf(await ended(engine, id))).toBe("CancelledError");
  });

  test("that is parked: its handler ends it", async () => {
    await using db = await createDatabase();
    let broken = true;
    const subject = handler(
      "subject",
      async (ctx) => {
        if (broken) throw new Error("broken");
        return ctx.sleep(60_000);
      },
      { retry: { maxAttempts: 1 } },
    );
    await using engine = await startEngine(db.url, [subject]);
    const id = await send(engine, "subject");
    await waitForStatus(engine, id, "parked");
    broken = false;
    await engine.cancel(id);
    expect(await ended(engine, id)).toMatchObject(cancelled);
  });

  describe("that waits for others", () => {
    const seen: string[] = [];
    const waiting = (name: string) => async (ctx: Context) => {
      try {
        await ctx.sleep(60_000);
      } catch (error) {
        seen.push(name);
        throw error;
      }
    };
    const leaf = handler("leaf", waiting("leaf"), shared);
    const middle = handler(
      "middle",
      async (ctx) =>
        ctx.fanOut(
          leaf,
          [1, 2].map((i) => ({ key: `${i}`, input: null })),
        ),
      shared,
    );
    const root = handler("root", async (ctx) => ctx.call(middle, "m", null));

    async function started(engine: Engine): Promise<string> {
      seen.length = 0;
      const id = await send(engine, "root");
      await eventually(async () => (await engine.listInvocations({ handler: "leaf", limit: 9 })).length === 2);
      for (const { invocationId } of await engine.listInvocations({ handler: "leaf", limit: 9 })) {
        await waits(engine, invocationId);
      }
      return id;
    }

    test("with its children: each hears of it, those that it waits for first", async () => {
      await using db = await createDatabase();
      await using engine = await startEngine(db.url, [root, middle, leaf]);
      const id = await started(engine);
      expect(await engine.cancel(id, { withChildren: true })).toBe(true);
      expect(await ended(engine, id)).toMatchObject(cancelled);
      await eventually(async () => {
        const open = await engine.listInvocations({ statuses: ["running", "ready"], limit: 9 });
        expect(open).toEqual([]);
      });
      expect(seen).toEqual(["leaf", "leaf"]);
    });

    test("alone: what it called goes on", async () => {
      await using db = await createDatabase();
      await using engine = await startEngine(db.url, [root, middle, leaf]);
      const id = await started(engine);
      await engine.cancel(id);
      expect(await ended(engine, id)).toMatchObject(cancelled);
      expect(await engine.listInvocations({ statuses: ["running"], limit: 9 })).toHaveLength(3);
    });
  });
});
