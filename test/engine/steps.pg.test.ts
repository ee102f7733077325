import { describe, expect, test } from "vitest";
import { TerminalError } from "../../src/engine/index.ts";
import { createDatabase } from "../support/database.ts";
import { callOf, handler, outcomeOf, startEngine, statusOf, send, waitForStatus } from "./support.ts";

describe("a step", () => {
  test("that fails: it is tried again, and the handler sees only the success", async () => {
    await using db = await createDatabase();
    let tries = 0;
    const flaky = handler("flaky", async (ctx) =>
      ctx.run("step", () => {
        if (++tries < 3) throw new Error("not yet");
        return tries;
      }),
    );
    await using engine = await startEngine(db.url, [flaky]);
    expect(await callOf(engine, "flaky")).toBe(3);
  });

  test("with maxAttempts: the last failure is the handler's, as a TerminalError", async () => {
    await using db = await createDatabase();
    let tries = 0;
    const failing = handler("failing", async (ctx) => {
      const step = () => Promise.reject(new Error(`try ${++tries}`));
      return ctx
        .run("step", step, { maxAttempts: 3 })
        .then(undefined, (error: TerminalError) => [error.name, error.message]);
    });
    await using engine = await startEngine(db.url, [failing]);
    expect(await callOf(engine, "failing")).toEqual(["TerminalError", "try 3"]);
  });

  test("that throws a TerminalError: it is not tried again", async () => {
    await using db = await createDatabase();
    let tries = 0;
    const refused = handler("refused", async (ctx) =>
      ctx.run("step", () => {
        tries++;
        throw new TerminalError("gone", "not_found");
      }),
    );
    await using engine = await startEngine(db.url, [refused]);
    expect(await outcomeOf(engine, "refused")).toMatchObject({ ok: false, kind: "not_found", message: "gone" });
    expect(tries).toBe(1);
  });

  test("whose failure has a NUL in it, which Postgres cannot store: the rest of the text is kept", async () => {
    await using db = await createDatabase();
    const binary = handler("binary", async (ctx) =>
      ctx.run("step", () => Promise.reject(new Error("bad \0 byte")), { maxAttempts: 1 }),
    );
    await using engine = await startEngine(db.url, [binary]);
    expect(await outcomeOf(engine, "binary")).toMatchObject({ ok: false, message: "bad \uFFFD byte" });
  });
});

describe("an attempt", () => {
  test("that fails: it is repeated from its journal", async () => {
    await using db = await createDatabase();
    let steps = 0;
    let attempts = 0;
    const flaky = handler("flaky", async (ctx) => {
      const value = await ctx.run("step", () => ++steps);
      if (++attempts < 3) throw new Error("not yet");
      return [value, attempts];
    });
    await using engine = await startEngine(db.url, [flaky]);
    expect(await callOf(engine, "flaky")).toEqual([1, 3]);
  });

  test("that fails too often: it is parked with the reason, and a kill ends it and frees its key", async () => {
    await using db = await createDatabase();
    const broken = handler("broken", () => Promise.reject(new Error("always")), { retry: { maxAttempts: 2 } });
    const fine = handler("fine", () => Promise.resolve("done"));
    await using engine = await startEngine(db.url, [broken, fine]);
    const id = await send(engine, "broken");
    await waitForStatus(engine, id, "parked");
    expect((await engine.getInvocation(id))?.invocation.failure).toBe("always");
    const next = await send(engine, "fine");
    expect(await statusOf(engine, next)).toBe("queued");
    expect(await engine.kill(id)).toBe(true);
    expect(await engine.attach(id)).toMatchObject({ ok: false, kind: "killed" });
    expect(await engine.attach(next)).toMatchObject({ ok: true, output: '"done"' });
  });

  test("of a handler that no node has: it waits, and is shown as waiting for one that has it", async () => {
    await using db = await createDatabase();
    const gone = handler("gone", async (ctx) => ctx.sleep(60_000));
    const before = await startEngine(db.url, [gone]);
    const id = await send(before, "gone");
    await before.stop();
    await using after = await startEngine(db.url, []);
    expect((await after.getInvocation(id))?.invocation).toMatchObject({ status: "ready", unserved: true });
    await using back = await startEngine(db.url, [gone]);
    await waitForStatus(back, id, "running");
    expect((await after.getInvocation(id))?.invocation).toMatchObject({ unserved: false });
  });
});
