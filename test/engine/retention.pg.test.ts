import { expect, test } from "vitest";
import { callOf, ended, gate, handler, query, send, shared, startEngine } from "./support.ts";
import { createDatabase } from "../support/database.ts";

const limits = { retentionMs: 200 };

function count(databaseUrl: string, table: string): Promise<number> {
  return query<{ count: number }>(databaseUrl, `select count(*)::int as count from engine.${table}`).then(
    ([row]) => row?.count ?? 0,
  );
}

test("after the retention time: completed invocations go, with their journals and idempotency keys", async () => {
  await using db = await createDatabase();
  const step = handler("step", async (ctx) => (await ctx.sleep(1), ctx.run("step", () => 1)), shared);
  await using engine = await startEngine(db.url, [step], { limits });
  const call = { service: "test", handler: "step", key: "k", input: null, idempotencyKey: "one" };
  const { invocationId } = await engine.invoke(call);
  await ended(engine, invocationId);
  for (const table of ["invocations", "journal", "idempotency", "timers"]) {
    await expect.poll(() => count(db.url, table)).toBe(0);
  }
  expect(await engine.output(invocationId)).toBeUndefined();
  // The key is free for a new call.
  expect(await engine.invoke(call)).toMatchObject({ repeated: false });
});

test("one whose parent is open stays: its outcome is part of the parent's journal", async () => {
  await using db = await createDatabase();
  const held = gate();
  const child = handler("child", () => Promise.resolve("kept"), shared);
  let attempts = 0;
  const parent = handler("parent", async (ctx) => {
    const output = await ctx.call(child, "k", null);
    await ctx.run("hold", () => held.pass());
    if (++attempts === 1) throw new Error("once more, from the journal");
    return output;
  });
  await using engine = await startEngine(db.url, [parent, child], { limits });
  const id = await send(engine, "parent");
  await held.entered;
  // Another one, later, which is deleted: the first had its chance.
  await callOf(engine, "child", "other");
  await expect.poll(async () => (await engine.listInvocations({ key: "other", limit: 1 })).length).toBe(0);
  expect(await engine.listInvocations({ handler: "child", limit: 10 })).toHaveLength(1);
  held.open();
  expect(await ended(engine, id)).toMatchObject({ ok: true, output: '"kept"' });
  await expect.poll(() => count(db.url, "invocations")).toBe(0);
  await expect.poll(() => count(db.url, "journal")).toBe(0);
});

test("open ones stay, however old they are", async () => {
  await using db = await createDatabase();
  const sleeper = handler("sleeper", async (ctx) => ctx.sleep(60_000), shared);
  const quick = handler("quick", () => Promise.resolve(null), shared);
  await using engine = await startEngine(db.url, [sleeper, quick], { limits });
  const id = await send(engine, "sleeper");
  await query(db.url, "update engine.invocations set created_at = now() - interval '1 year'");
  await callOf(engine, "quick");
  await expect.poll(async () => (await engine.listInvocations({ handler: "quick", limit: 1 })).length).toBe(0);
  expect(await engine.output(id)).toBe("pending");
});
