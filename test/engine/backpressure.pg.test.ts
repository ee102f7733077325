import { expect, test } from "vitest";
import { OUTSIDE_RESERVE } from "../../src/engine/limits.ts";
import { createDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { startSlowLine } from "./fixtures/slow-line.ts";
import {
  callOf,
  ended,
  gate,
  handler,
  outputOf,
  query,
  send,
  shared,
  startEngine,
  type TestEngine,
} from "./support.ts";

/** The most of a number that was seen until the promise settles. */
async function peakOf(read: () => number, done: Promise<unknown>): Promise<number> {
  let peak = 0;
  const over = new AbortController();
  const end = done.finally(() => over.abort());
  while (!over.signal.aborted) {
    peak = Math.max(peak, read());
    await new Promise(setImmediate);
  }
  await end;
  return peak;
}

async function acceptedOf(engine: TestEngine, calls: number): Promise<{ ids: string[]; refused: number }> {
  const results = await Promise.allSettled(Array.from({ length: calls }, (_, i) => send(engine, "echo", "k", i)));
  const refused = results.filter(({ status }) => status === "rejected");
  for (const each of refused) expect(each).toMatchObject({ reason: { kind: "exhausted", retryAfterMs: 1_000 } });
  const ids = results.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  return { ids, refused: refused.length };
}

const echo = handler<number>("echo", (_ctx, i) => Promise.resolve(i), shared);

test("a Postgres that is slow: what waits for it is bounded, the rest is refused with a hint, and what was accepted ends", async () => {
  await using db = await createDatabase();
  await using line = await startSlowLine(db.url);
  const limits = { maxQueuedOperations: 500, maxBatchOperations: 100, leaseMs: 10_000 };
  await using engine = await startEngine(line.url, [echo], { limits });
  const { nodeId } = engine.stats();
  line.delayMs = 100;
  const calls = acceptedOf(engine, 5_000);
  const peak = await peakOf(() => engine.stats().queuedOperations, calls);
  const { ids, refused } = await calls;
  // A few places are the engine's own.
  expect(ids.length).toBeGreaterThan(450);
  expect(refused).toBeGreaterThan(4_000);
  // Those accepted have operations of their own: about as many as there are slots.
  expect(peak).toBeLessThanOrEqual(2 * limits.maxQueuedOperations);
  line.delayMs = 0;
  for (const id of ids) outputOf(await ended(engine, id));
  expect(await callOf(engine, "echo", "k", 7)).toBe(7);
  // It was slow, not away.
  expect(engine.stats().nodeId).toBe(nodeId);
  expect(await query(db.url, "select from engine.invocations where completed_at is null")).toEqual([]);
}, 60_000);

test("a handler that is slow, and more calls from outside than fit: the rest waits in the database, and all end in their turn", async () => {
  await using db = await createDatabase();
  const held = gate();
  const order: number[] = [];
  const slow = handler<number>("slow", async (ctx, i) => ctx.run("step", () => (order.push(i), held.pass())), shared);
  const limits = { maxActive: 5, maxResident: 50 };
  await using engine = await startEngine(db.url, [slow, echo], { limits });
  const calls = 1.5 * OUTSIDE_RESERVE;
  const accepted = Promise.all(Array.from({ length: calls }, (_, i) => send(engine, "slow", "k", i)));
  const peak = await peakOf(() => engine.stats().resident, accepted);
  const most = OUTSIDE_RESERVE + limits.maxResident;
  expect(peak).toBeLessThanOrEqual(most);
  const ready = "select count(*)::int as n from engine.invocations where status = 'ready'";
  await eventually(async () => expect(await query(db.url, ready)).toEqual([{ n: calls - most }]));
  held.open();
  for (const id of await accepted) outputOf(await ended(engine, id));
  expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: calls }, (_, i) => i));
  expect(order.slice(0, 5)).toEqual([0, 1, 2, 3, 4]);
}, 60_000);
