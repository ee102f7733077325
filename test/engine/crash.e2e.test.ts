// A server is killed with kill -9, at random instants and at chosen ones. What
// it had acknowledged must be there afterwards, and done once.

import path from "node:path";
import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { startEmbeddedPostgres } from "../../src/postgres/index.ts";
import { eventually } from "../support/eventually.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { NodeProcess } from "./fixtures/node-process.ts";
import { orderHandlers } from "./fixtures/orders.ts";
import {
  blocked,
  createMarks,
  createMarksTable,
  ended,
  gate,
  handler,
  holdRow,
  mark,
  marksOf,
  outputOf,
  query,
  shared,
  startEngine,
  type TestEngine,
} from "./support.ts";

const limits = { leaseMs: 500, pollMs: 100 };

/** An engine in this process, with the handlers of the one that is killed. */
async function startPeer(databaseUrl: string, onStep?: (name: string) => void): Promise<TestEngine> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  pool.on("error", () => {});
  onTestFinished(() => pool.end());
  return startEngine(databaseUrl, orderHandlers(pool, onStep), { limits });
}

function order(node: NodeProcess, customer: number, name: string): void {
  node.order({ kind: "call", handler: "order", key: `customer ${customer}`, name, input: name });
}

function call(engine: TestEngine, handler: string, key: string, input: unknown) {
  return engine.invoke({ service: "test", handler, key, input, idempotencyKey: String(input) });
}

describe("killed under load, again and again, and started again", () => {
  test("E1. E3. E4. what was acknowledged is there, effects happened once, results did not change", async () => {
    await using db = await createMarks();
    const accepted = new Map<string, string>();
    const told = new Map<string, string>();
    const orders = new Map<number, string[]>([0, 1, 2, 3].map((customer) => [customer, []]));
    const rounds = 5;
    for (let round = 0; round < rounds; round++) {
      await using node = await NodeProcess.start(db.url, { limits });
      for (let i = 0; i < 40; i++) {
        const name = `order ${round}-${i}`;
        orders.get(i % 4)?.push(name);
        order(node, i % 4, name);
      }
      // Some rounds end while calls are accepted, some while they run.
      const enough = 1 + Math.floor(Math.random() * 60);
      await eventually(() => node.told("accepted").length + node.told("ended").length >= enough);
      await node.kill();
      for (const { name, invocationId } of node.told("accepted")) accepted.set(name, invocationId);
      for (const { name, output } of node.told("ended")) told.set(name, output);
      expect(node.told("failed")).toEqual([]);
    }
    await using engine = await startPeer(db.url);
    for (const [name, invocationId] of accepted) {
      const output = outputOf(await ended(engine, invocationId));
      expect(output).toMatchObject({ name, weight: name.length });
      if (told.has(name)) expect(output).toEqual(JSON.parse(told.get(name) ?? ""));
    }
    const names = (await engine.listInvocations({ handler: "order", limit: 1_000 })).map(({ input }) => JSON.parse(input));
    const marks = await marksOf(db.url);
    for (const name of names) {
      await expect.poll(async () => (await marksOf(db.url))[`ended ${name}`]).toBe(1);
      expect([marks[`began ${name}`], marks[`weighed ${name}`]]).toEqual([1, 1]);
      expect(marks[`packed ${name}`]).toBeGreaterThanOrEqual(1);
    }
    // Each customer's orders were handled once, in the order of their arrival.
    for (const [customer, called] of orders) {
      const line = JSON.parse((await engine.getState("test", `customer ${customer}`)).get("line") ?? "[]") as string[];
      expect(line).toEqual(called.filter((name) => line.includes(name)));
    }
    expect(await query(db.url, "select from engine.keys")).toEqual([]);
  });

  test("E4. a fan-out that two nodes share, one of them killed over and over: every call once, the count exact", async () => {
    await using db = await createMarks();
    await using engine = await startPeer(db.url);
    const { invocationId } = await call(engine, "batch", "b", 1_500);
    for (let round = 0; round < 3; round++) {
      await using node = await NodeProcess.start(db.url, { limits: { ...limits, maxResident: 100 } });
      node.order({ kind: "call", handler: "batch", key: `b${round}`, name: `b${round}`, input: 300 });
      await eventually(() => node.told("step").length > 20 * (round + 1));
      await node.kill();
    }
    expect(outputOf(await ended(engine, invocationId))).toEqual({ succeeded: 1_500, failed: 0 });
    for (const batch of await engine.listInvocations({ handler: "batch", limit: 10 })) {
      outputOf(await ended(engine, batch.invocationId));
    }
    const marks = await marksOf(db.url);
    expect(Object.values(marks).every((times) => times === 1)).toBe(true);
    expect(Object.keys(marks).filter((name) => name.startsWith("b part"))).toHaveLength(1_500);
  });
});

describe("killed at a chosen point", () => {
  test("E4. in a step: a peer runs the step again, and nothing before it", async () => {
    await using db = await createMarks();
    await using node = await NodeProcess.start(db.url, { limits, stopAt: "order" });
    order(node, 1, "order");
    await node.ended();
    await using engine = await startPeer(db.url);
    const [invocation] = await engine.listInvocations({ handler: "order", limit: 1 });
    expect(outputOf(await ended(engine, invocation?.invocationId ?? ""))).toMatchObject({ name: "order" });
    expect(await marksOf(db.url)).toMatchObject({ "began order": 1, "packed order": 1, "ended order": 1 });
  });

  test("E4. while its batch is in flight: the batch is in or out as a whole, and the effect happens once", async () => {
    await using db = await createMarks();
    await query(db.url, "insert into marks values ('ended order', 0)");
    await using node = await NodeProcess.start(db.url, { limits });
    const locked = gate();
    const lock = holdRow(db.url, "ended order", locked);
    await locked.entered;
    order(node, 1, "order");
    await eventually(async () => (await blocked(db.url)).length === 1);
    await node.kill();
    await using engine = await startPeer(db.url);
    locked.open();
    await lock;
    const [invocation] = await engine.listInvocations({ handler: "order", limit: 1 });
    outputOf(await ended(engine, invocation?.invocationId ?? ""));
    expect(await marksOf(db.url)).toMatchObject({ "began order": 1, "ended order": 1 });
  });
});

describe("stopped past its lease, and continued", () => {
  test("E2. a node that was fenced off: none of its writes lands, and it goes on as a new node", async () => {
    await using db = await createMarks();
    await using node = await NodeProcess.start(db.url, { limits });
    await using engine = await startPeer(db.url);
    for (let i = 0; i < 20; i++) order(node, i, `order ${i}`);
    await eventually(() => node.told("step").length > 5);
    node.pause();
    const accepted = node.told("accepted");
    const outputs = await Promise.all(
      accepted.map(async ({ invocationId }) => JSON.stringify(outputOf(await ended(engine, invocationId)))),
    );
    const before = await query(db.url, "select id, output, attempts from engine.invocations where completed_at is not null order by id");
    node.resume();
    node.order({ kind: "call", handler: "order", key: "later", name: "later", input: "later" });
    await eventually(() => node.told("ended").some(({ name }) => name === "later"), { timeoutMs: 20_000 });
    const ids = (before as { id: string }[]).map(({ id }) => id);
    const after = await query(db.url, "select id, output, attempts from engine.invocations where id = any($1) order by id", [ids]);
    expect(after).toEqual(before);
    const marks = await marksOf(db.url);
    for (const { name } of accepted) {
      expect([marks[`began ${name}`], marks[`ended ${name}`], marks[`weighed ${name}`]]).toEqual([1, 1, 1]);
    }
    // Its own callers are told what the peer did.
    await eventually(() => accepted.every(({ name }) => node.told("ended").some((each) => each.name === name)));
    for (const { name, output } of node.told("ended").filter((each) => each.name !== "later")) {
      expect(outputs).toContain(JSON.stringify(JSON.parse(output)));
      expect(name).toBeDefined();
    }
    node.order({ kind: "stats" });
    await eventually(() => node.told("stats").length > 0);
    const nodes = await query<{ id: string; fenced: boolean }>(db.url, "select id, fenced_at is not null as fenced from engine.nodes order by id");
    expect(nodes.map(({ fenced }) => fenced)).toEqual([true, false, false]);
    expect(node.told("stats")[0]?.nodeId).toBe(nodes[2]?.id);
  });

  test("E2. in the middle of a batch, holding locks: the peer ends its connection and goes on", async () => {
    await using db = await createMarks();
    await query(db.url, "insert into marks values ('began order', 0)");
    await using node = await NodeProcess.start(db.url, { limits });
    const locked = gate();
    const lock = holdRow(db.url, "began order", locked);
    await locked.entered;
    order(node, 1, "order");
    await eventually(async () => (await blocked(db.url)).length === 1);
    node.pause();
    locked.open();
    await lock;
    // The batch has got its lock and waits for the rest of its statements, which do not come.
    const writing = "select from pg_stat_activity where application_name = 'hydra engine writer' and state = 'active'";
    const hung = `${writing} and wait_event = 'ClientRead' and datname = current_database()`;
    await eventually(async () => (await query(db.url, hung)).length === 1);
    await using engine = await startPeer(db.url);
    const [invocation] = await engine.listInvocations({ handler: "order", limit: 1 });
    expect(outputOf(await ended(engine, invocation?.invocationId ?? ""))).toMatchObject({ name: "order" });
    node.resume();
    await eventually(() => node.told("ended").length === 1);
    expect(await marksOf(db.url)).toMatchObject({ "began order": 1, "ended order": 1 });
  });
});

describe("Postgres is killed under load, with its durable settings", () => {
  test("E1. what was acknowledged is there after its restart, and the engine goes on by itself", async () => {
    await using directory = await createTemporaryDirectory();
    const dataDir = path.join(directory.path, "data");
    let postgres = await startEmbeddedPostgres({ dataDir });
    const count = handler<string>("count", async (ctx, name) => ctx.tx(mark, { name }), shared);
    try {
      await createMarksTable(postgres.url);
      await using engine = await startEngine(postgres.url, [count]);
      const accepted = new Map<string, string>();
      let restarted = false;
      const caller = async (number: number) => {
        for (let i = 0; !restarted; i++) {
          const name = `${number}-${i}`;
          accepted.set(name, (await call(engine, "count", "k", name)).invocationId);
        }
      };
      const load = Promise.allSettled(Array.from({ length: 10 }, (_, i) => caller(i)));
      await eventually(() => accepted.size > 200);
      process.kill(postgres.pid, "SIGKILL");
      await postgres.exited;
      await postgres.stop();
      postgres = await startEmbeddedPostgres({ dataDir });
      restarted = true;
      await load;
      for (const id of accepted.values()) expect(outputOf(await ended(engine, id))).toEqual({ count: 1 });
      const marks = await marksOf(postgres.url);
      expect(Object.values(marks).every((times) => times === 1)).toBe(true);
      expect(Object.keys(marks)).toEqual(expect.arrayContaining([...accepted.keys()]));
    } finally {
      await postgres.stop();
    }
  });
});
