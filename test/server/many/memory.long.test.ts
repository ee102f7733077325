import { afterEach, beforeEach, expect, test } from "vitest";
import { PATIENCE } from "../../engine/fixtures/forked-node.ts";
import { query } from "../../engine/support.ts";
import { createDatabase, type TestDatabase } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { RUNS_TABLE, workload } from "./handlers.ts";
import { ManyServer } from "./many-server.ts";

refuseLeaks();

const ALL = 100_000;

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  await query(database.url, RUNS_TABLE);
});
afterEach(() => database[Symbol.asyncDispose]());

async function count(where: string): Promise<number> {
  const rows = await query<{ n: number }>(
    database.url,
    `select count(*)::int as n from engine.invocations where ${where}`,
  );
  return rows[0]?.n ?? 0;
}

test("100,000 queued invocations: memory is bounded, a call from outside goes before them, and all are finished", async () => {
  await using server = await ManyServer.start(database.url);
  const idle = await server.memory("collect");
  let ended = false;
  const rollout = server.rollouts.rollout({ image: workload(ALL, 1) }).finally(() => (ended = true));
  await eventually(async () => (await count("status in ('ready', 'running')")) > ALL / 2, PATIENCE);
  const startedAt = performance.now();
  await server.rollouts.cancel({});
  const cancelMs = performance.now() - startedAt;
  const left = await count("completed_at is null");
  let peak = 0;
  await eventually(
    async () => {
      peak = Math.max(peak, (await server.memory("memory")).rss);
      return ended;
    },
    { timeoutMs: 300_000 },
  );
  expect((await rollout).rolloutId).toBe(String(ALL));
  console.log(
    `${Math.round(idle.rss)} MB idle, ${Math.round(peak)} MB at most; a call in between: ${Math.round(cancelMs)} ms, with ${left} to go`,
  );
  // Far from the end of the line.
  expect(left).toBeGreaterThan(ALL / 4);
  expect(await query(database.url, "select count(distinct name)::int as n from runs where name <> 'cancel'")).toEqual([
    { n: ALL },
  ]);
  // 10,000 residents at some kilobytes each, one fan-out's births, and what the collector leaves lying about.
  expect(peak - idle.rss).toBeLessThan(600);
}, 400_000);

test("100,000 finished invocations: the heap is as large as after 10,000", async () => {
  await using server = await ManyServer.start(database.url);
  const heaps: number[] = [];
  for (let i = 0; i < 10; i++) {
    const { rolloutId } = await server.rollouts.rollout({ image: workload(ALL / 10, 0) });
    expect(rolloutId).toBe(String(ALL / 10));
    heaps.push((await server.memory("collect")).heap);
  }
  const [first = 0] = heaps;
  const last = heaps.at(-1) ?? 0;
  console.log(`heap after a collection, in MB: ${heaps.map((heap) => heap.toFixed(1)).join(", ")}`);
  // 90,000 invocations at a hundred bytes each would be nine.
  expect(last - first).toBeLessThan(8);
}, 400_000);
