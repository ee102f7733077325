// The clock of the machine that an engine runs on jumps by an hour. The
// database's clock rules leases, timers and what is told.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { eventually } from "../support/eventually.ts";
import { startProxy } from "./fixtures/proxy.ts";
import {
  createMarks,
  ended,
  gate,
  handler,
  holdLock,
  mark,
  outputOf,
  query,
  send,
  shared,
  startEngine,
} from "./support.ts";

const HOUR_MS = 3_600_000;
const SLEEP_MS = 300;

function jump(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

async function databaseNow(databaseUrl: string): Promise<number> {
  const [row] = await query<{ now: Date }>(databaseUrl, "select clock_timestamp() as now");
  return row?.now.getTime() ?? 0;
}

describe("the server's clock jumps by an hour", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each([HOUR_MS, -HOUR_MS])(
    "E2. by %i ms: no lease ends, no timer fires early, now() is the database's",
    async (ms) => {
      await using db = await createMarks();
      const started = gate();
      const nap = handler(
        "nap",
        async (ctx) => {
          const before = await ctx.now();
          started.open();
          await ctx.sleep(SLEEP_MS);
          return [before, await ctx.now()];
        },
        shared,
      );
      const limits = { leaseMs: 400 };
      await using engine = await startEngine(db.url, [nap], { limits });
      await using peer = await startEngine(db.url, [nap], { limits });
      const nodes = [engine, peer].map((each) => each.stats().nodeId);
      const id = await send(engine, "nap");
      await started.pass();
      jump(ms);
      const late = { service: "test", handler: "nap", key: "k", input: null, delayMs: SLEEP_MS };
      const { invocationId, startAt } = await peer.invoke(late);
      const now = await databaseNow(db.url);
      expect(Math.abs((startAt?.getTime() ?? 0) - now)).toBeLessThan(60_000);
      for (const each of [id, invocationId]) {
        const outcome = await ended(engine, each);
        const [before = 0, after = 0] = outputOf(outcome) as number[];
        // Two clocks, read in milliseconds: one may be lost on the way.
        expect(after - before).toBeGreaterThanOrEqual(SLEEP_MS - 2);
        for (const time of [before, after, outcome.completedAt.getTime()]) {
          expect(Math.abs(time - now)).toBeLessThan(60_000);
        }
      }
      // Several leases later nobody was taken for dead.
      await ended(engine, await send(engine, "nap"));
      await ended(engine, await send(engine, "nap"));
      expect([engine, peer].map((each) => each.stats().nodeId)).toEqual(nodes);
    },
  );

  test("an end is found out after the connection broke: it is told with the database's time", async () => {
    await using db = await createMarks();
    await using proxy = await startProxy(db.url);
    const count = handler<string>("count", (ctx, name) => Promise.resolve(ctx.tx(mark, { name })), shared);
    await using engine = await startEngine(proxy.url, [count]);
    await query(
      db.url,
      `create function wait_for_test() returns trigger language plpgsql as $$
         begin perform pg_advisory_xact_lock(42); return new; end $$;
       create trigger wait before update on engine.invocations
         for each row when (new.completed_at is not null) execute function wait_for_test()`,
    );
    const locked = gate();
    const lock = holdLock(db.url, "select pg_advisory_xact_lock(42)", locked);
    await locked.entered;
    const outcome = ended(engine, await send(engine, "count", "k", "name"));
    const waiting = "select from pg_locks where locktype = 'advisory' and not granted";
    await eventually(async () => (await query(db.url, waiting)).length === 1);
    jump(HOUR_MS);
    proxy.deafen();
    locked.open();
    await lock;
    const done = "select from engine.invocations where completed_at is not null";
    await eventually(async () => (await query(db.url, done)).length === 1);
    proxy.cut();
    const now = await databaseNow(db.url);
    expect(Math.abs((await outcome).completedAt.getTime() - now)).toBeLessThan(60_000);
  });
});
