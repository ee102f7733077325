import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import {
  callOf,
  createMarks,
  ended,
  gate,
  handler,
  mark,
  marksOf,
  outputOf,
  query,
  send,
  shared,
  startEngine,
} from "./support.ts";

const limits = { maxActive: 4, pollMs: 100, drainMs: 60_000 };

test("calls that wait for a slot, and a peer joins: it takes of them; each runs once, in its first attempt", async () => {
  await using db = await createMarks();
  const held = gate();
  const ran: string[] = [];
  const on = (name: string) =>
    handler<number>(
      "work",
      async (ctx, i) => {
        if (name === "first") await ctx.run("hold", () => held.pass());
        ran.push(name);
        return ctx.tx(mark, { name: `${i}` });
      },
      shared,
    );
  await using first = await startEngine(db.url, [on("first")], { limits });
  const ids = await Promise.all(Array.from({ length: 40 }, (_, i) => send(first, "work", "k", i)));
  await held.entered;
  await using second = await startEngine(db.url, [on("second")], { limits });
  // The first one keeps those that run, and one that waits for the next free slot.
  await eventually(() => expect(ran.filter((name) => name === "second")).toHaveLength(40 - 4 - 1));
  held.open();
  for (const id of ids) outputOf(await ended(second, id));
  expect(Object.values(await marksOf(db.url))).toEqual(Array.from({ length: 40 }, () => 1));
  expect(await query(db.url, "select from engine.invocations where attempts <> 1")).toEqual([]);
});

test("alone, with calls that wait for a slot: it keeps them", async () => {
  await using db = await createMarks();
  const held = gate();
  const work = handler("work", async (ctx) => ctx.run("hold", () => held.pass()), shared);
  await using engine = await startEngine(db.url, [work], { limits: { ...limits, leaseMs: 400 } });
  const ids = await Promise.all(Array.from({ length: 20 }, () => send(engine, "work")));
  // Several polls go by.
  const beats = () =>
    query<{ beat: number }>(db.url, "select extract(epoch from max(beat_at))::float8 as beat from engine.heartbeats");
  const start = (await beats())[0]?.beat ?? 0;
  await eventually(async () => expect((await beats())[0]?.beat).toBeGreaterThan(start + 0.5));
  expect(engine.stats().resident).toBe(20);
  held.open();
  await Promise.all(ids.map((id) => ended(engine, id)));
});

test("a server that stops while one step takes long: what waits, and what only waits for something, goes on at a peer before that", async () => {
  await using db = await createMarks();
  const held = gate();
  const slow = handler("slow", async (ctx) => ctx.run("hold", () => held.pass()), shared);
  const opened: string[] = [];
  const waiting = handler(
    "waiting",
    async (ctx) => {
      const { id, value } = ctx.awakeable();
      if (!ctx.replaying) opened.push(id);
      return (await ctx.tx(mark, { name: "before" }), value);
    },
    shared,
  );
  const next = handler("next", async (ctx) => ctx.tx(mark, { name: "next" }), shared);
  const handlers = [slow, waiting, next];
  const first = await startEngine(db.url, handlers, { limits });
  const suspended = await send(first, "waiting");
  await eventually(async () => expect(await marksOf(db.url)).toEqual({ before: 1 }));
  const slowOnes = await Promise.all(Array.from({ length: 4 }, () => send(first, "slow")));
  await held.entered;
  const queued = await send(first, "next");
  await using second = await startEngine(db.url, handlers, { limits });
  const stopped = first.stop();
  await second.resolveAwakeable(opened[0] ?? "", '"come"');
  expect(outputOf(await ended(second, suspended))).toBe("come");
  // The first one still waits for its slow steps.
  expect(await ended(second, queued)).toMatchObject({ ok: true });
  expect(await marksOf(db.url)).toEqual({ before: 1, next: 1 });
  held.open();
  await stopped;
  for (const id of slowOnes) outputOf(await ended(second, id));
  expect(await query(db.url, "select from engine.invocations where handler = 'slow' and attempts <> 1")).toEqual([]);
});

test("drain: with a peer it hands over and goes on answering; alone it goes on working", async () => {
  await using db = await createMarks();
  const held = gate();
  const work = handler("work", async (ctx) => (await ctx.sleep(50), await ctx.run("hold", () => held.pass())), shared);
  await using first = await startEngine(db.url, [work], { limits });
  first.drain();
  held.open();
  expect(await callOf(first, "work")).toBeNull();
  await using second = await startEngine(db.url, [work], { limits });
  await eventually(async () => {
    first.drain();
    const id = await send(first, "work");
    expect(await ended(first, id)).toMatchObject({ ok: true });
    expect(second.stats().operations).toBeGreaterThan(10);
    expect(first.stats().resident).toBe(0);
  });
});

test("a server that is drained loses its connection: the node that takes the place of its own hands over, too", async () => {
  await using db = await createMarks();
  const work = handler("work", async (ctx) => ctx.tx(mark, { name: "done" }), shared);
  await using first = await startEngine(db.url, [work], { limits });
  await using second = await startEngine(db.url, [work], { limits });
  const before = first.stats().nodeId;
  first.drain();
  await query(
    db.url,
    `select pg_terminate_backend(l.pid) from pg_locks l
      where l.locktype = 'advisory' and l.objid = $1::int8::int4::oid
        and l.database = (select oid from pg_database where datname = current_database())`,
    [before],
  );
  await eventually(() => !["", before].includes(first.stats().nodeId));
  await eventually(async () => {
    const id = await send(first, "work");
    expect(await ended(first, id)).toMatchObject({ ok: true });
    expect(second.stats().operations).toBeGreaterThan(10);
    expect(first.stats().resident).toBe(0);
  });
});

test("a call whose attempt failed waits for a slot again, and a peer joins: it goes on with its journal", async () => {
  await using db = await createMarks();
  const held = gate();
  const hold = handler("hold", async (ctx) => ctx.run("hold", () => held.pass()), shared);
  const retry = { firstDelayMs: 10, longestDelayMs: 10 };
  let fails = true;
  const work = handler<string>(
    "work",
    async (ctx, name) => {
      await ctx.tx(mark, { name });
      if (fails) throw new Error("not yet");
      return ctx.tx(mark, { name: `${name} again` });
    },
    { ...shared, retry },
  );
  await using first = await startEngine(db.url, [hold, work], { limits });
  const names = ["a", "b", "c", "d", "e", "f"];
  const ids = await Promise.all(names.map((name) => send(first, "work", "k", name)));
  await eventually(async () => expect(Object.keys(await marksOf(db.url))).toHaveLength(names.length));
  const holders = await Promise.all(Array.from({ length: 4 }, () => send(first, "hold")));
  await held.entered;
  fails = false;
  await using second = await startEngine(db.url, [hold, work], { limits });
  // The first one keeps one that waits for its next free slot.
  await eventually(async () => expect(Object.keys(await marksOf(db.url))).toHaveLength(2 * names.length - 1));
  held.open();
  for (const id of ids) outputOf(await ended(second, id));
  const expected = names.flatMap((name) => [name, `${name} again`]).map((name) => [name, 1]);
  expect(await marksOf(db.url)).toEqual(Object.fromEntries(expected));
  for (const id of holders) await ended(first, id);
});
