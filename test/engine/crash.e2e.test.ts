// A server is killed with kill -9, at random instants and at chosen ones. What
// it had acknowledged must be there afterwards, and done once.

import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { NodeProcess } from "./fixtures/node-process.ts";
import { CRASH_LIMITS as limits, startPeer } from "./fixtures/peer.ts";
import { blocked, createMarks, ended, gate, holdRow, marksOf, outputOf, query } from "./support.ts";

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
        node.orderFor(`customer ${i % 4}`, name);
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
      expect(output).toEqual(JSON.parse(told.get(name) ?? JSON.stringify(output)));
    }
    const stored = await engine.listInvocations({ handler: "order", limit: 1_000 });
    for (const { invocationId } of stored) outputOf(await ended(engine, invocationId));
    const marks = await marksOf(db.url);
    for (const name of stored.map(({ input }) => JSON.parse(input) as string)) {
      expect([marks[`began ${name}`], marks[`weighed ${name}`], marks[`ended ${name}`]]).toEqual([1, 1, 1]);
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
    const { invocationId } = await engine.invoke({ service: "test", handler: "batch", key: "b", input: 1_500 });
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
    node.orderFor("customer", "order");
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
    node.orderFor("customer", "order");
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
