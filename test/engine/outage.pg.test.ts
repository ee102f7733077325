import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { startProxy } from "./fixtures/proxy.ts";
import {
  blocked,
  callOf,
  createMarks,
  ended,
  gate,
  handler,
  holdLock,
  holdRow,
  mark,
  marksOf,
  outputOf,
  query,
  send,
  shared,
  startEngine,
} from "./support.ts";

const WRITER = "hydra engine writer";
const LISTENER = "hydra engine wakeups";

function terminate(databaseUrl: string, applicationName: string) {
  return query(
    databaseUrl,
    `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = $1 and datname = current_database()`,
    [applicationName],
  );
}

const count = handler<string>("count", (ctx, name) => Promise.resolve(ctx.tx(mark, { name })), shared);

describe("the database connection breaks", () => {
  test("under load: calls succeed or are told unavailable, nothing is done twice, and the engine goes on", async () => {
    await using db = await createMarks();
    await using engine = await startEngine(db.url, [count]);
    const accepted: string[] = [];
    const refused: unknown[] = [];
    const caller = async (number: number) => {
      for (let i = 0; i < 40; i++) {
        const name = `${number}-${i}`;
        try {
          const { invocationId } = await engine.invoke({ service: "test", handler: "count", key: name, input: name });
          accepted.push(invocationId);
        } catch (error) {
          refused.push(error);
        }
      }
    };
    const load = Promise.all(Array.from({ length: 20 }, (_, i) => caller(i)));
    for (let i = 0; i < 3; i++) {
      const before = accepted.length;
      await eventually(() => accepted.length + refused.length >= 800 || accepted.length > before + 50);
      await terminate(db.url, WRITER);
    }
    await load;
    const outcomes = await Promise.all(accepted.map((id) => ended(engine, id)));
    expect(new Set(outcomes.map(outputOf).map((output) => JSON.stringify(output)))).toEqual(new Set(['{"count":1}']));
    const marks = await marksOf(db.url);
    expect(Object.values(marks).every((times) => times === 1)).toBe(true);
    expect(Object.keys(marks).length).toBeGreaterThanOrEqual(accepted.length);
    expect(accepted.length + refused.length).toBe(800);
    for (const error of refused) expect(error).toMatchObject({ kind: "unavailable" });
  });

  test("E1. with a batch in flight whose outcome is not known: it is found out, and callers are told", async () => {
    await using db = await createMarks();
    await query(db.url, "insert into marks values ('held', 0)");
    await using engine = await startEngine(db.url, [count]);
    const locked = gate();
    const lock = holdRow(db.url, "held", locked);
    await locked.entered;
    const holding = engine.execute(mark, { name: "held" });
    await eventually(async () => (await blocked(db.url)).length === 1);
    // These wait for the next batch.
    const accepted = Array.from({ length: 5 }, (_, i) => send(engine, "count", "k", `name ${i}`));
    await terminate(db.url, WRITER);
    locked.open();
    await lock;
    expect(await holding).toEqual({ count: 1 });
    for (const id of await Promise.all(accepted)) expect(outputOf(await ended(engine, id))).toEqual({ count: 1 });
    const names = Array.from({ length: 5 }, (_, i) => [`name ${i}`, 1]);
    expect(await marksOf(db.url)).toEqual({ held: 1, ...Object.fromEntries(names) });
  });

  test("E1. after the commit, before the answer: callers are told of what is in, and it runs once", async () => {
    await using db = await createMarks();
    await using proxy = await startProxy(db.url);
    await using engine = await startEngine(proxy.url, [count]);
    proxy.deafen();
    const calls = Array.from({ length: 5 }, (_, i) => send(engine, "count", "k", `name ${i}`));
    const stored = "select from engine.invocations where input like '%name%'";
    await eventually(async () => (await query(db.url, stored)).length === 5);
    proxy.cut();
    for (const id of await Promise.all(calls)) expect(outputOf(await ended(engine, id))).toEqual({ count: 1 });
    expect(await query(db.url, stored)).toHaveLength(5);
  });

  test("E4. after the commit, before the answer: an effect's caller is told that it is in", async () => {
    await using db = await createMarks();
    await using proxy = await startProxy(db.url);
    await using engine = await startEngine(proxy.url, []);
    await query(
      db.url,
      `create function wait_for_test() returns trigger language plpgsql as $$
         begin perform pg_advisory_xact_lock(42); return new; end $$;
       create constraint trigger wait after insert on marks deferrable initially deferred
         for each row execute function wait_for_test()`,
    );
    const locked = gate();
    const lock = holdLock(db.url, "select pg_advisory_xact_lock(42)", locked);
    await locked.entered;
    const call = engine.execute(mark, { name: "in" });
    // Its commit waits for the lock.
    await eventually(async () => (await blocked(db.url)).length === 1);
    proxy.deafen();
    locked.open();
    await lock;
    await eventually(async () => expect(await marksOf(db.url)).toEqual({ in: 1 }));
    proxy.cut();
    await expect(call).rejects.toMatchObject({ kind: "unavailable", message: expect.stringContaining("was saved") });
    expect(await engine.execute(mark, { name: "in" })).toEqual({ count: 2 });
  });

  test("for good: callers that wait are told when the server stops, and it stops", async () => {
    await using db = await createMarks();
    const proxy = await startProxy(db.url);
    const engine = await startEngine(proxy.url, [count]);
    await proxy[Symbol.asyncDispose]();
    await eventually(() => engine.stats().nodeId === "");
    const call = send(engine, "count", "k", "name");
    call.catch(() => {});
    await engine.stop();
    await expect(call).rejects.toMatchObject({ kind: "unavailable" });
    expect(await marksOf(db.url)).toEqual({});
  });

  test("while it listens: hints that were lost are made up for at once, without a poll", async () => {
    await using db = await createMarks();
    const opened = Promise.withResolvers<string>();
    const waiting = handler(
      "waiting",
      async (ctx) => {
        const { id, value } = ctx.awakeable();
        opened.resolve(id);
        return value;
      },
      shared,
    );
    const limits = { pollMs: 60_000, leaseMs: 60_000 };
    await using engine = await startEngine(db.url, [waiting], { limits });
    await using other = await startEngine(db.url, [waiting], { limits });
    const id = await send(engine, "waiting");
    const awakeableId = await opened.promise;
    const waited = other.attach(id);
    await terminate(db.url, LISTENER);
    await other.resolveAwakeable(awakeableId, "1");
    expect(await waited).toMatchObject({ ok: true, output: "1" });
  });

  test("of reads: they fail or succeed, and the node goes on", async () => {
    await using db = await createMarks();
    const state = handler("state", async (ctx) => (await ctx.set("n", 1), ctx.get("n")));
    await using engine = await startEngine(db.url, [state]);
    await Promise.all(Array.from({ length: 10 }, () => engine.getState("test", "k")));
    await terminate(db.url, "hydra engine");
    await eventually(async () => expect(await callOf(engine, "state")).toBe(1));
    expect(engine.stats().nodeId).toBe("1");
  });
});

describe("a node that was fenced off", () => {
  /** Fences off every node and releases what they own, as a peer does that took them for dead. */
  function fence(databaseUrl: string) {
    return query(
      databaseUrl,
      `with fenced as (update engine.nodes set fenced_at = now()),
            released as (update engine.invocations set status = 'ready', owner = null where status = 'running')
       delete from engine.heartbeats`,
    );
  }

  test("E2. none of its writes lands, at its next commit it finds out, and what callers wait for is written", async () => {
    await using db = await createMarks();
    const held = gate();
    let steps = 0;
    const work = handler("work", async (ctx) => {
      await ctx.run("hold", () => (++steps === 1 ? held.pass() : undefined));
      return ctx.tx(mark, { name: "work" });
    });
    const limits = { leaseMs: 60_000, pollMs: 60_000 };
    const engine = await startEngine(db.url, [work, count], { limits });
    const before = engine.stats().nodeId;
    const id = await send(engine, "work");
    await held.entered;
    await fence(db.url);
    await using peer = await startEngine(db.url, [work, count], { limits });
    expect(outputOf(await ended(peer, id))).toEqual({ count: 1 });
    const [stored] = await query(db.url, "select * from engine.invocations");
    held.open();
    await eventually(() => !["", before].includes(engine.stats().nodeId));
    expect(await callOf(engine, "count", "k", "later")).toEqual({ count: 1 });
    expect(await query(db.url, "select * from engine.invocations where handler = 'work'")).toEqual([stored]);
    expect(await marksOf(db.url)).toEqual({ work: 1, later: 1 });
    await engine.stop();
  });

  test("E2. it finds out by itself where it has nothing to write, and goes on as a new one", async () => {
    await using db = await createMarks();
    const sleeper = handler("sleeper", async (ctx) => ctx.sleep(300), shared);
    await using engine = await startEngine(db.url, [sleeper], { limits: { leaseMs: 400 } });
    const before = engine.stats().nodeId;
    const id = await send(engine, "sleeper");
    await fence(db.url);
    expect(await ended(engine, id)).toMatchObject({ ok: true });
    await eventually(() => !["", before].includes(engine.stats().nodeId));
  });
});
