import { describe, expect, test } from "vitest";
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
  send,
  shared,
  startEngine,
  waitForStatus,
} from "./support.ts";

describe("killing an invocation", () => {
  test("that runs: it ends at once, its handler does nothing more, and its key is free", async () => {
    await using db = await createMarks();
    const held = gate();
    let steps = 0;
    const stepping = handler("stepping", async (ctx) => {
      await ctx.run("step", () => held.pass());
      await ctx.run("more", () => ++steps);
      return ctx.tx(mark, { name: "after" });
    });
    const next = handler("next", () => Promise.resolve("next"));
    await using engine = await startEngine(db.url, [stepping, next]);
    const id = await send(engine, "stepping");
    await held.entered;
    const waiting = await send(engine, "next");
    expect(await engine.kill(id)).toBe(true);
    expect(await ended(engine, id)).toMatchObject({ ok: false, kind: "killed" });
    expect(outputOf(await ended(engine, waiting))).toBe("next");
    held.open();
    expect(await callOf(engine, "next")).toBe("next");
    expect([steps, await marksOf(db.url)]).toEqual([0, {}]);
    await expect.poll(() => engine.stats().active).toBe(0);
  });

  test("whose handler goes on outside the context: it starts no step, holds no slot and leaves no timer", async () => {
    await using db = await createDatabase();
    const timers = countTimers();
    const held = gate();
    let steps = 0;
    const native = handler(
      "native",
      async (ctx) => {
        await held.pass();
        void ctx.sleep(60_000);
        return ctx.run("step", () => ++steps);
      },
      shared,
    );
    const probe = handler("probe", async (ctx) => ctx.run("probe", () => "passed"), shared);
    await using engine = await startEngine(db.url, [native, probe], { limits: { maxActive: 1 } });
    const id = await send(engine, "native");
    await held.entered;
    await engine.kill(id);
    await ended(engine, id);
    held.open();
    expect(await callOf(engine, "probe")).toBe("passed");
    expect(steps).toBe(0);
    await expect.poll(() => engine.stats().active).toBe(0);
    await engine.stop();
    expect(countTimers()).toBeLessThanOrEqual(timers);
  });

  test("that waits in line: it ends at once without running, and the next one runs in its turn", async () => {
    await using db = await createDatabase();
    const held = gate();
    let runs = 0;
    const holder = handler("holder", async (ctx) => ctx.run("hold", () => held.pass()));
    const counted = handler("counted", () => Promise.resolve(++runs));
    await using engine = await startEngine(db.url, [holder, counted]);
    await send(engine, "holder");
    await held.entered;
    const first = await send(engine, "counted");
    const second = await send(engine, "counted");
    await engine.kill(first);
    expect(await ended(engine, first)).toMatchObject({ ok: false, kind: "killed", message: "killed" });
    held.open();
    expect(outputOf(await ended(engine, second))).toBe(1);
  });

  test("whose handler this server does not have: it ends all the same", async () => {
    await using db = await createDatabase();
    const waiting = handler("waiting", async (ctx) => ctx.awakeable().value);
    await using old = await startEngine(db.url, [waiting]);
    const id = await send(old, "waiting");
    await old.stop();
    await using engine = await startEngine(db.url, []);
    await waitForStatus(engine, id, "ready");
    expect(await engine.kill(id)).toBe(true);
    expect(await ended(engine, id)).toMatchObject({ ok: false, kind: "killed" });
  });
});
