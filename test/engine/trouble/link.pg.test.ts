import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { PATIENCE } from "../fixtures/forked-node.ts";
import { type Proxy, startProxy } from "../fixtures/proxy.ts";
import {
  blocked,
  callOf,
  createMarks,
  ended,
  gate,
  handler,
  holdRow,
  mark,
  marksOf,
  outputOf,
  query,
  send,
  shared,
  startEngine,
  type TestEngine,
} from "../support.ts";

const WRITER = "hydra engine writer";
const QUICK = { limits: { leaseMs: 400, pollMs: 100 } };

const count = handler<string>("count", (ctx, name) => Promise.resolve(ctx.tx(mark, { name })), shared);

async function expectNewNode(engine: TestEngine, before: string): Promise<void> {
  await eventually(() => !["", before].includes(engine.stats().nodeId), PATIENCE);
}

test("a link with a delay and little room: slow, and nothing else", async () => {
  await using db = await createMarks();
  await using proxy = await startProxy(db.url);
  proxy.slow({ delayMs: 10, bytesPerMs: 100 });
  await using engine = await startEngine(proxy.url, [count]);
  const names = Array.from({ length: 20 }, (_, i) => `name ${i}`);
  const outputs = await Promise.all(names.map((name) => callOf(engine, "count", name, name)));
  expect(new Set(outputs.map((output) => JSON.stringify(output)))).toEqual(new Set(['{"count":1}']));
  expect(engine.stats().nodeId).toBe("1");
});

test("a batch that takes longer than the lease to be sent: it is no silence, and the node stays", async () => {
  await using db = await createMarks();
  await using proxy = await startProxy(db.url);
  await using engine = await startEngine(proxy.url, [], QUICK);
  proxy.slow({ delayMs: 1, bytesPerMs: 100 });
  // 200 kB: two seconds.
  const rows = Array.from({ length: 200 }, (_, i) => ({ name: `${i} ${"x".repeat(1_000)}` }));
  expect(await engine.executeMany(mark, rows)).toHaveLength(rows.length);
  expect(engine.stats().nodeId).toBe("1");
});

test("an answer that takes longer than the lease to arrive: it is no silence, and the node stays", async () => {
  await using db = await createMarks();
  const held = gate();
  const sizeOf = handler<string>(
    "sizeOf",
    async (ctx, text) => (await ctx.run("hold", () => held.pass()), text.length),
    shared,
  );
  const first = await startEngine(db.url, [sizeOf], { limits: { drainMs: 1 } });
  const input = "x".repeat(100_000);
  const ids = await Promise.all(Array.from({ length: 30 }, () => send(first, "sizeOf", "k", input)));
  await held.entered;
  await first.stop();
  held.open();
  await using proxy = await startProxy(db.url);
  // 3 MB: three seconds.
  proxy.slow({ delayMs: 1, bytesPerMs: 1_000 });
  await using second = await startEngine(proxy.url, [sizeOf], { limits: { leaseMs: 1_000 } });
  const node = second.stats().nodeId;
  for (const id of ids) expect(outputOf(await ended(second, id))).toBe(input.length);
  expect(second.stats().nodeId).toBe(node);
});

describe("connections are lost without a word to hydra", () => {
  const LOSSES: [string, Parameters<Proxy["strand"]>[0]][] = [
    ["that of the writer, and the server keeps its end", { applicationName: WRITER }],
    ["that of the writer, and the server closes its end", { applicationName: WRITER, endServer: true }],
    ["all, and the server keeps its ends", {}],
  ];

  test.each(LOSSES)("%s: the node finds out, and a call that was on its way is made once", async (_what, how) => {
    await using db = await createMarks();
    await using proxy = await startProxy(db.url);
    await using engine = await startEngine(proxy.url, [count], QUICK);
    const before = engine.stats().nodeId;
    proxy.strand(how);
    expect(await callOf(engine, "count", "k", "name")).toEqual({ count: 1 });
    await expectNewNode(engine, before);
    expect(await marksOf(db.url)).toEqual({ name: 1 });
  });

  test("after the batch has been told to the server: it is found out that it is in", async () => {
    await using db = await createMarks();
    await using proxy = await startProxy(db.url);
    await using engine = await startEngine(proxy.url, [count], QUICK);
    proxy.deafen();
    const call = callOf(engine, "count", "k", "name");
    const stored = "select from engine.invocations";
    await eventually(async () => (await query(db.url, stored)).length === 1);
    proxy.strand();
    proxy.hear();
    expect(await call).toEqual({ count: 1 });
    expect(await query(db.url, stored)).toHaveLength(1);
  });
});

test("a batch that waits long for a lock: it is no silence, and the node stays", async () => {
  await using db = await createMarks();
  await query(db.url, "insert into marks values ('held', 0)");
  await using engine = await startEngine(db.url, [], { limits: { leaseMs: 1_000 } });
  const locked = gate();
  const lock = holdRow(db.url, "held", locked);
  await locked.entered;
  const call = engine.execute(mark, { name: "held" });
  await eventually(async () => (await blocked(db.url)).length === 1);
  // Several times as long as the lease, by the database's clock.
  await query(db.url, "select pg_sleep(2.5)");
  locked.open();
  await lock;
  expect(await call).toEqual({ count: 1 });
  expect(engine.stats().nodeId).toBe("1");
});
