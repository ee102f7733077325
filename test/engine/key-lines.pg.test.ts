import { describe, expect, test } from "vitest";
import { effectCall, EngineUnavailableError } from "../../src/engine/index.ts";
import {
  callOf,
  createMarks,
  ended,
  gate,
  type Gate,
  handler,
  mark,
  marksOf,
  outputOf,
  query,
  send,
  startEngine,
  type TestEngine,
} from "./support.ts";

const LIMIT = 10;
const limits = { maxQueuedPerKey: LIMIT };

function holding(held: Gate) {
  const holder = handler("holder", async (ctx) => ctx.run("hold", () => held.pass()));
  const next = handler<number>("next", (_ctx, i) => Promise.resolve(i), {
    accept: () => ({ admission: { call: effectCall(mark, { name: "admitted" }), judge: () => undefined } }),
  });
  const parent = handler(
    "parent",
    async (ctx) =>
      ctx.fanOut(
        next,
        Array.from({ length: 2 * LIMIT }, (_, i) => ({ key: "k", input: i })),
      ),
    { kind: "shared" },
  );
  return [holder, next, parent];
}

/** A key that is held, with a full line behind it; resolves to the ids of those in it. */
async function fill(engine: TestEngine, held: Gate): Promise<string[]> {
  await send(engine, "holder");
  await held.entered;
  const ids: string[] = [];
  for (let i = 0; i < LIMIT; i++) ids.push(await send(engine, "next", "k", i));
  return ids;
}

const waiting = (url: string) => query(url, "select key, waiting from engine.keys");

describe("a line of calls for one key that is full", () => {
  test("one more call: refused as exhausted, naming the line, with a hint; nothing of it happens", async () => {
    await using db = await createMarks();
    const held = gate();
    await using engine = await startEngine(db.url, holding(held), { limits });
    const ids = await fill(engine, held);
    const refusal = await send(engine, "next").catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(EngineUnavailableError);
    expect(refusal).toMatchObject({
      kind: "exhausted",
      message: expect.stringMatching(
        /^10 calls wait for their turn at test "k", .* try again once some of them have run/,
      ),
      retryAfterMs: 5_000,
    });
    expect(await marksOf(db.url)).toEqual({ admitted: LIMIT });
    expect(await waiting(db.url)).toEqual([{ key: "k", waiting: LIMIT }]);
    // Other keys, and what does not stand in line, are taken.
    expect(await callOf(engine, "next", "another", 1)).toBe(1);
    held.open();
    expect(await Promise.all(ids.map(async (id) => outputOf(await ended(engine, id))))).toEqual(ids.map((_, i) => i));
    expect(await callOf(engine, "next", "k", 7)).toBe(7);
  });

  test("a call that was taken and is repeated: the first one's answer; one that was refused may come again", async () => {
    await using db = await createMarks();
    const held = gate();
    await using engine = await startEngine(db.url, holding(held), { limits });
    const call = (idempotencyKey: string) =>
      engine.invoke({ service: "test", handler: "next", key: "k", input: 1, idempotencyKey });
    await send(engine, "holder");
    await held.entered;
    const first = await call("first");
    for (let i = 1; i < LIMIT; i++) await send(engine, "next");
    await expect(call("late")).rejects.toMatchObject({ kind: "exhausted" });
    expect(await call("first")).toMatchObject({ invocationId: first.invocationId, repeated: true });
    held.open();
    await ended(engine, first.invocationId);
    const late = await call("late");
    expect(late.repeated).toBe(false);
    expect(outputOf(await ended(engine, late.invocationId))).toBe(1);
  });

  test("many calls at the same instant, at two servers: as many as fit are taken, once for each server at most", async () => {
    await using db = await createMarks();
    const held = gate();
    await using engine = await startEngine(db.url, holding(held), { limits });
    await using other = await startEngine(db.url, holding(held), { limits });
    await send(engine, "holder");
    await held.entered;
    const calls = Array.from({ length: 200 }, (_, i) => send(i % 2 === 0 ? engine : other, "next", "k", i));
    const results = await Promise.allSettled(calls);
    const taken = results.filter((each) => each.status === "fulfilled").map(({ value }) => value);
    const refused = results.filter(({ status }) => status === "rejected");
    for (const each of refused) expect(each).toMatchObject({ reason: { kind: "exhausted" } });
    expect(taken.length).toBeGreaterThanOrEqual(LIMIT);
    // Two batches that do not see each other.
    expect(taken.length).toBeLessThanOrEqual(2 * LIMIT);
    held.open();
    for (const id of taken) outputOf(await ended(engine, id));
    expect(await marksOf(db.url)).toEqual({ admitted: taken.length });
  });

  test("children of handlers are not refused: their parent was accepted; calls from outside are, behind them", async () => {
    await using db = await createMarks();
    const held = gate();
    await using engine = await startEngine(db.url, holding(held), { limits });
    await send(engine, "holder");
    await held.entered;
    const parent = await send(engine, "parent", "p");
    await expect.poll(() => waiting(db.url)).toEqual([{ key: "k", waiting: 2 * LIMIT }]);
    // The first one of them tells this server how long the line is.
    await send(engine, "next").catch(() => {});
    await expect(send(engine, "next")).rejects.toMatchObject({ kind: "exhausted" });
    held.open();
    expect(outputOf(await ended(engine, parent))).toEqual({ succeeded: 2 * LIMIT, failed: 0 });
  });
});
