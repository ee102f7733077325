import { expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { Acknowledged } from "../crash/acknowledged.ts";
import { createNotes, expectUnbroken, startPeer } from "../crash/support.ts";
import { startProxy } from "../fixtures/proxy.ts";
import { createMarks, handler, mark, marksOf, query, send, shared, startEngine } from "../support.ts";

refuseLeaks();

const PATIENCE = { timeoutMs: 120_000 };

test("E2. a link that is silent past the lease: a peer takes over, callers are told unavailable, and the node joins again", async () => {
  await using db = await createNotes();
  await using proxy = await startProxy(db.url);
  await using cutOff = await startPeer(proxy.url);
  await using peer = await startPeer(db.url);
  const acknowledged = new Acknowledged();
  const kinds = ["call", "sleep", "fan_out", "run", "values", "awakeable"];
  for (let i = 0; i < 30; i++) {
    acknowledged.called({ kind: kinds[i % kinds.length] ?? "", key: `key ${i % 5}`, name: `before ${i}` });
  }
  await acknowledged.accept(cutOff.engine);
  const before = cutOff.engine.stats().nodeId;
  proxy.freeze();
  const during = cutOff.engine.invoke({ service: "kinds", handler: "values", key: "k", input: "during" });
  during.catch(() => {});
  const open = "select from engine.invocations where completed_at is null";
  await eventually(async () => (await query(db.url, open)).length === 0, PATIENCE);
  await expect(during).rejects.toMatchObject({ kind: "unavailable" });
  expect(cutOff.engine.stats().nodeId).toBe("");

  proxy.thaw();
  await eventually(() => !["", before].includes(cutOff.engine.stats().nodeId), PATIENCE);
  await acknowledged.repeat(cutOff.engine);
  await expectUnbroken(db.url, acknowledged, "silence", [cutOff, peer]);
});

test("a link that is silent for good: the server stops all the same, and says so to whoever waits", async () => {
  await using db = await createMarks();
  await using proxy = await startProxy(db.url);
  const count = handler<string>("count", (ctx, name) => Promise.resolve(ctx.tx(mark, { name })), shared);
  const engine = await startEngine(proxy.url, [count], { limits: { leaseMs: 400 } });
  proxy.freeze();
  const call = send(engine, "count", "k", "name");
  call.catch(() => {});
  await engine.stop();
  await expect(call).rejects.toMatchObject({ kind: "unavailable" });
  expect(await marksOf(db.url)).toEqual({});
});
