import { describe, expect, test } from "vitest";
import { createDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import {
  blocked,
  callOf,
  ended,
  gate,
  handler,
  holdLock,
  outputOf,
  query,
  send,
  shared,
  startEngine,
  statusOf,
  waitForStatus,
} from "./support.ts";

const cancelled = { ok: false, kind: "cancelled", message: "cancelled" };
const killed = { ok: false, kind: "killed", message: "killed" };
/** Nothing comes by itself in the time of a test. */
const noPolls = { pollMs: 60_000 };

test("E7. one that is killed and that no node has taken yet, then paused: it is not parked, and ends", async () => {
  await using db = await createDatabase();
  const sleeper = handler("sleeper", async (ctx) => ctx.sleep(60_000));
  const before = await startEngine(db.url, [sleeper]);
  const id = await send(before, "sleeper");
  await before.stop();
  await query(db.url, "update engine.invocations set stop_requested = 'kill'");
  // One that is full takes nothing.
  await using full = await startEngine(db.url, [], { limits: { ...noPolls, maxResident: 0 } });
  expect(await full.pause(id)).toBe(true);
  expect(await statusOf(full, id)).toBe("ready");
  await using engine = await startEngine(db.url, [sleeper]);
  expect(await ended(engine, id)).toMatchObject(killed);
});

describe("cancelling one in a line while its turn comes", () => {
  test("E3. the key is being handed on by another node: whoever is left in the line gets it", async () => {
    await using db = await createDatabase();
    const held = gate();
    const holder = handler("holder", async (ctx) => ctx.run("hold", () => held.pass()));
    const next = handler("next", () => Promise.resolve("ran"));
    await using engine = await startEngine(db.url, [holder, next]);
    await using other = await startEngine(db.url, [holder, next]);
    const first = await send(engine, "holder");
    await held.entered;
    const second = await send(engine, "next");
    const third = await send(engine, "next");
    // The other node has locked the key, and waits for the row of the one that it takes out of the line.
    const stuck = gate();
    const locking = holdLock(
      db.url,
      "select from engine.invocations where status = 'queued' order by arrival limit 1 for update",
      stuck,
    );
    await stuck.entered;
    const cancelling = other.cancel(second);
    await eventually(async () => (await blocked(db.url)).length === 1);
    held.open();
    await eventually(async () => (await blocked(db.url)).length === 2);
    stuck.open();
    await Promise.all([locking, cancelling]);
    expect(await ended(engine, first)).toMatchObject({ ok: true });
    expect(await ended(engine, second)).toMatchObject(cancelled);
    expect(outputOf(await ended(engine, third))).toBe("ran");
    await eventually(async () => (await query(db.url, "select from engine.keys")).length === 0);
  });

  test("many times, from another node: each ends once, and every key is free in the end", async () => {
    await using db = await createDatabase();
    const quick = handler("quick", async (ctx) => ctx.run("step", () => "ran"));
    await using engine = await startEngine(db.url, [quick]);
    await using other = await startEngine(db.url, [quick]);
    const rounds = Array.from({ length: 40 }, async (_, i) => {
      const ids = await Promise.all([1, 2, 3].map(() => send(engine, "quick", `k${i}`)));
      await other.cancel(ids[1] ?? "");
      return await Promise.all(ids.map((id) => ended(engine, id)));
    });
    for (const [first, second, third] of await Promise.all(rounds)) {
      expect([first, third]).toMatchObject([{ ok: true }, { ok: true }]);
      expect(second?.ok === true || second?.kind === "cancelled").toBe(true);
    }
    await eventually(async () => (await query(db.url, "select from engine.keys")).length === 0);
  });
});

describe("what is asked of one that is just being parked", () => {
  const asks = [
    ["kill", "stop_requested = 'kill'", killed],
    ["cancel", "stop_requested = 'cancel'", cancelled],
  ] as const;

  test.each(asks)(
    "a %s whose hint was lost: it is not parked, one request is enough",
    async (_verb, request, outcome) => {
      await using db = await createDatabase();
      const held = gate();
      let attempts = 0;
      const failing = handler(
        "failing",
        async (ctx) => {
          if (++attempts > 1) return ctx.sleep(60_000);
          await held.pass();
          throw new Error("broken");
        },
        { retry: { maxAttempts: 1 } },
      );
      await using engine = await startEngine(db.url, [failing], { limits: noPolls });
      const id = await send(engine, "failing");
      await held.entered;
      await query(db.url, `update engine.invocations set ${request}`);
      held.open();
      expect(await ended(engine, id)).toMatchObject(outcome);
    },
  );

  test("E7. resumed before its owner could write that it is paused: it goes on", async () => {
    await using db = await createDatabase();
    let attempts = 0;
    const aborted = Promise.withResolvers<void>();
    const stepping = handler("stepping", async (ctx) =>
      ctx.run("step", (signal) => {
        if (++attempts > 1) return "done";
        return new Promise((resolve) => {
          signal.addEventListener("abort", resolve);
          signal.addEventListener("abort", () => aborted.resolve());
        });
      }),
    );
    await using engine = await startEngine(db.url, [stepping]);
    await using other = await startEngine(db.url, []);
    const id = await send(engine, "stepping");
    await eventually(() => attempts === 1);
    const stuck = gate();
    const owner = [engine.stats().nodeId];
    const locking = holdLock(db.url, "select from engine.nodes where id = $1 for update", stuck, owner);
    await stuck.entered;
    await other.pause(id);
    await aborted.promise;
    await other.resume(id);
    stuck.open();
    await locking;
    expect(outputOf(await ended(engine, id))).toBe("done");
    expect(attempts).toBe(2);
  });
});

describe("pausing", () => {
  test("in the middle of a step: it is aborted, and done again once resumed; what was recorded is not", async () => {
    await using db = await createDatabase();
    const seen: string[] = [];
    const steps = handler("steps", async (ctx) => {
      await ctx.run("first", () => seen.push("first"));
      return ctx.run("second", (signal) => {
        seen.push("second");
        if (seen.length > 2) return "done";
        return new Promise((resolve) => signal.addEventListener("abort", resolve));
      });
    });
    await using engine = await startEngine(db.url, [steps]);
    const id = await send(engine, "steps");
    await eventually(() => seen.length === 2);
    await engine.pause(id);
    await waitForStatus(engine, id, "parked");
    expect((await engine.getInvocation(id))?.invocation).toMatchObject({ asked: "pause" });
    await engine.resume(id);
    expect(outputOf(await ended(engine, id))).toBe("done");
    expect(seen).toEqual(["first", "second", "second"]);
  });

  test("one in a line: it keeps its place and the key, and does not begin before it is resumed", async () => {
    await using db = await createDatabase();
    const held = gate();
    const holder = handler("holder", async (ctx) => ctx.run("hold", () => held.pass()));
    let runs = 0;
    const next = handler("next", () => Promise.resolve(++runs));
    await using engine = await startEngine(db.url, [holder, next]);
    await send(engine, "holder");
    await held.entered;
    const paused = await send(engine, "next");
    const behind = await send(engine, "next");
    await engine.pause(paused);
    held.open();
    await waitForStatus(engine, paused, "parked");
    expect([runs, await statusOf(engine, behind)]).toEqual([0, "queued"]);
    await engine.resume(paused);
    expect(outputOf(await ended(engine, paused))).toBe(1);
    expect(outputOf(await ended(engine, behind))).toBe(2);
  });

  test.each(["kill", "cancel"] as const)("then %s: it ends all the same", async (verb) => {
    await using db = await createDatabase();
    const sleeper = handler("sleeper", async (ctx) => ctx.sleep(60_000));
    await using engine = await startEngine(db.url, [sleeper]);
    const id = await send(engine, "sleeper");
    await engine.pause(id);
    await waitForStatus(engine, id, "parked");
    await engine[verb](id);
    expect(await ended(engine, id)).toMatchObject(verb === "kill" ? killed : cancelled);
  });

  test("from another node, and what it says what is left behind on its end is not written", async () => {
    await using db = await createDatabase();
    const sleeper = handler("sleeper", async (ctx) => ctx.sleep(60_000), {
      abandoned: () => {
        throw new Error("a pause is no end");
      },
    });
    await using engine = await startEngine(db.url, [sleeper], { limits: noPolls });
    await using other = await startEngine(db.url, [sleeper], { limits: noPolls });
    const id = await send(engine, "sleeper");
    await eventually(async () => (await engine.getInvocation(id))?.journal.length === 1);
    await other.pause(id);
    await waitForStatus(engine, id, "parked");
  });
});

describe("servers that know different handlers", () => {
  test("a key is handed on by one that does not know who is next: one that does runs it", async () => {
    await using db = await createDatabase();
    const held = gate();
    const old = handler("old", async (ctx) => ctx.run("hold", () => held.pass()));
    const fresh = handler("fresh", () => Promise.resolve("ran"));
    await using first = await startEngine(db.url, [old]);
    await using second = await startEngine(db.url, [fresh]);
    await send(first, "old");
    await held.entered;
    const id = await send(second, "fresh");
    expect(await statusOf(second, id)).toBe("queued");
    held.open();
    expect(outputOf(await ended(second, id))).toBe("ran");
  });

  test("a kill is left to one that has the handler: it knows what to leave behind", async () => {
    await using db = await createDatabase();
    const sleeper = handler("sleeper", async (ctx) => ctx.sleep(60_000), shared);
    await using first = await startEngine(db.url, [sleeper]);
    const id = await send(first, "sleeper");
    await eventually(async () => (await first.getInvocation(id))?.journal.length === 1);
    const probe = handler("probe", async (ctx) => ctx.run("step", () => "ran"));
    await using second = await startEngine(db.url, [probe]);
    await second.pause(id);
    await waitForStatus(second, id, "parked");
    // The first cannot write: the second would be quicker.
    const stuck = gate();
    const owner = [first.stats().nodeId];
    const locking = holdLock(db.url, "select from engine.nodes where id = $1 for update", stuck, owner);
    await stuck.entered;
    await second.kill(id);
    for (let i = 0; i < 3; i++) expect(await callOf(second, "probe")).toBe("ran");
    expect(await statusOf(second, id)).toBe("ready");
    stuck.open();
    await locking;
    expect(await ended(second, id)).toMatchObject(killed);
  });
});
