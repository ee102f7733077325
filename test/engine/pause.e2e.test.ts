// A server is stopped without noticing it (by a debugger, a hypervisor, a long
// pause of its own), a peer takes over, and then it goes on.

import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { NodeProcess } from "./fixtures/node-process.ts";
import { CRASH_LIMITS as limits, startPeer } from "./fixtures/peer.ts";
import { blocked, createMarks, ended, gate, holdRow, marksOf, outputOf, query } from "./support.ts";

describe("stopped past its lease, and continued", () => {
  test("E2. a node that was fenced off: none of its writes lands, and it goes on as a new node", async () => {
    await using db = await createMarks();
    await using node = await NodeProcess.start(db.url, { limits });
    await using engine = await startPeer(db.url);
    for (let i = 0; i < 20; i++) node.orderFor(`customer ${i}`, `order ${i}`);
    await eventually(() => node.told("step").length > 5);
    node.pause();
    const accepted = node.told("accepted");
    const outputs = await Promise.all(
      accepted.map(async ({ invocationId }) => JSON.stringify(outputOf(await ended(engine, invocationId)))),
    );
    const before = await query(
      db.url,
      "select id, output, attempts from engine.invocations where completed_at is not null order by id",
    );
    node.resume();
    node.orderFor("later", "later");
    await eventually(() => node.told("ended").some(({ name }) => name === "later"), { timeoutMs: 20_000 });
    const ids = (before as { id: string }[]).map(({ id }) => id);
    const after = await query(
      db.url,
      "select id, output, attempts from engine.invocations where id = any($1) order by id",
      [ids],
    );
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
    const nodes = await query<{ id: string; fenced: boolean }>(
      db.url,
      "select id, fenced_at is not null as fenced from engine.nodes order by id",
    );
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
    node.orderFor("customer", "order");
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
