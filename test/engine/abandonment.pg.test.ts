import { describe, expect, test } from "vitest";
import { effectCall, TerminalError } from "../../src/engine/index.ts";
import {
  callOf,
  createMarks,
  ended,
  handler,
  mark,
  marksOf,
  outcomeOf,
  send,
  startEngine,
  statusOf,
  waitForStatus,
} from "./support.ts";

const abandoned = (input: string, { reason }: { reason: string }) => effectCall(mark, { name: `${input}: ${reason}` });

describe("an invocation that ends without its handler's word", () => {
  test("because it failed: what `abandoned` says commits with its end", async () => {
    await using db = await createMarks();
    const failing = handler<string>("failing", () => Promise.reject(new TerminalError("no", "conflict")), {
      abandoned,
    });
    await using engine = await startEngine(db.url, [failing]);
    expect(await outcomeOf(engine, "failing", "k", "in")).toMatchObject({ kind: "conflict", message: "no" });
    expect(await marksOf(db.url)).toEqual({ "in: no": 1 });
  });

  test("because it was killed", async () => {
    await using db = await createMarks();
    const sleeper = handler<string>("sleeper", async (ctx) => ctx.sleep(60_000), { abandoned });
    await using engine = await startEngine(db.url, [sleeper]);
    const id = await send(engine, "sleeper", "k", "in");
    await expect.poll(async () => (await engine.getInvocation(id))?.journal.length).toBe(1);
    await engine.kill(id);
    expect(await ended(engine, id)).toMatchObject({ kind: "killed" });
    expect(await marksOf(db.url)).toEqual({ "in: killed": 1 });
  });

  test("because it is out of retries: it ends instead of being parked", async () => {
    await using db = await createMarks();
    const run = () => Promise.reject(new Error("always"));
    const broken = handler<string>("broken", run, { abandoned, retry: { maxAttempts: 2 } });
    await using engine = await startEngine(db.url, [broken]);
    expect(await outcomeOf(engine, "broken", "k", "in")).toMatchObject({ kind: "internal", message: "always" });
    expect(await marksOf(db.url)).toEqual({ "in: always": 1 });
  });

  test("where it succeeds, nothing of it happens", async () => {
    await using db = await createMarks();
    const fine = handler<string>("fine", () => Promise.resolve("done"), { abandoned });
    await using engine = await startEngine(db.url, [fine]);
    expect(await callOf(engine, "fine", "k", "in")).toBe("done");
    expect(await marksOf(db.url)).toEqual({});
  });

  test("where the database refuses that effect: it is parked in the end, and others go on", async () => {
    await using db = await createMarks();
    const broken = handler("broken", () => Promise.reject(new TerminalError("no")), {
      abandoned: () => effectCall(mark, { name: "forbidden" }),
      retry: { maxAttempts: 2 },
    });
    const fine = handler("fine", () => Promise.resolve("done"));
    await using engine = await startEngine(db.url, [broken, fine]);
    const id = await send(engine, "broken");
    await waitForStatus(engine, id, "parked");
    expect(await callOf(engine, "fine", "other")).toBe("done");
    const batches = engine.stats().batches;
    expect(await callOf(engine, "fine", "other")).toBe("done");
    expect(engine.stats().batches - batches).toBeLessThan(10);
  });

  test("whose input cannot be read any more: it is parked, and a kill still ends it", async () => {
    await using db = await createMarks();
    const unreadable = {
      encode: JSON.stringify,
      decode: () => {
        throw new TerminalError("this input is of an older version", "invalid");
      },
    };
    const old = handler("old", () => Promise.resolve("never"), { abandoned, input: unreadable });
    await using engine = await startEngine(db.url, [old]);
    const id = await send(engine, "old");
    await waitForStatus(engine, id, "parked");
    await engine.kill(id);
    expect(await ended(engine, id)).toMatchObject({ ok: false, kind: "killed" });
  });
});

describe("a handler that no longer matches its journal", () => {
  const versions = [
    ["another step", 'the journal has run "one", the handler now does run "two"'],
    ["another kind", 'the journal has run "one", the handler now does sleep'],
    ["ends early", 'the journal has run "one", the handler now ends'],
    ["fails early", 'the journal has run "one", the handler now ends'],
  ] as const;

  /** An invocation that recorded `run "one"`, and an engine on which its handler is another. */
  async function upgraded(databaseUrl: string, version: string, options = {}) {
    const before = handler("subject", async (ctx) => (await ctx.run("one", () => 1), ctx.sleep(60_000)));
    const first = await startEngine(databaseUrl, [before]);
    const id = await send(first, "subject");
    await expect.poll(async () => (await first.getInvocation(id))?.journal.length).toBe(2);
    await first.stop();
    let others = 0;
    const after = handler(
      "subject",
      async (ctx) => {
        if (version === "another step") await ctx.run("two", () => ++others);
        if (version === "another kind") await ctx.sleep(1);
        if (version === "fails early") throw new TerminalError("not any more", "conflict");
        return others;
      },
      options,
    );
    return { id, engine: await startEngine(databaseUrl, [after]), others: () => others };
  }

  test.each(versions)("%s: it is parked, and the journal stays as it is", async (version, reason) => {
    await using db = await createMarks();
    const { id, engine: started, others } = await upgraded(db.url, version);
    await using engine = started;
    await waitForStatus(engine, id, "parked");
    const { invocation, journal } = (await engine.getInvocation(id)) ?? {};
    expect(invocation?.failure).toContain(reason);
    expect(journal?.map(({ kind, name }) => [kind, name])).toEqual([
      ["run", "one"],
      ["sleep", ""],
    ]);
    expect(others()).toBe(0);
  });

  test("where it says what that leaves behind: it ends with that instead", async () => {
    await using db = await createMarks();
    const { id, engine: started } = await upgraded(db.url, "another step", {
      abandoned: () => effectCall(mark, { name: "left" }),
    });
    await using engine = started;
    expect(await ended(engine, id)).toMatchObject({ ok: false, kind: "internal" });
    expect(await statusOf(engine, id)).toBe("failed");
    expect(await marksOf(db.url)).toEqual({ left: 1 });
  });
});
