import { randomInt } from "node:crypto";
import { ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PATIENCE } from "../../engine/fixtures/forked-node.ts";
import { query } from "../../engine/support.ts";
import { createDatabase, type TestDatabase } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { breachesOfOrder, deployAnywhere, type Run, type SeenCall, sendDeploy } from "./callers.ts";
import { RUNS_TABLE, workload } from "./handlers.ts";
import { ManyServer } from "./many-server.ts";

refuseLeaks();

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  await query(database.url, RUNS_TABLE);
});
afterEach(() => database[Symbol.asyncDispose]());

const start = (limits = {}) => ManyServer.start(database.url, limits);
const runsOf = () => query<Run & { id: string }>(database.url, "select key, name, phase from runs order by id");

/** How many calls each process did. */
async function shares(): Promise<Map<number, number>> {
  const rows = await query<{ pid: number; done: number }>(
    database.url,
    "select pid, count(distinct name)::int as done from runs where phase = 'done' group by pid",
  );
  return new Map(rows.map(({ pid, done }) => [pid, done]));
}

const total = (counts: ReadonlyMap<number, number>) => [...counts.values()].reduce((sum, count) => sum + count, 0);

async function expectNothingOpen(): Promise<void> {
  const open = "select count(*)::int as n from engine.invocations where completed_at is null";
  await eventually(async () => expect(await query(database.url, open)).toEqual([{ n: 0 }]), PATIENCE);
}

const KEYS = 8;
const CALLERS = 60;
const CALLS_EACH = 20;
const SENDERS = 4;
const SENDS_EACH = 100;
const key = () => `k${randomInt(KEYS)}`;

describe("three servers on one database", () => {
  test("thousands of calls for few keys, one server stopped in the middle and another one started: each runs once, alone, in the order that clients saw", async () => {
    const servers = await Promise.all([start(), start(), start()]);
    await using _ = {
      [Symbol.asyncDispose]: async () => void (await Promise.all(servers.map((s) => s[Symbol.asyncDispose]()))),
    };
    const [, , leaving] = servers;
    const calls: SeenCall[] = [];
    const longestMs: number[] = [];
    const caller = async (id: number) => {
      for (let i = 0; i < CALLS_EACH; i++) {
        const call = await deployAnywhere(servers, randomInt(3), { key: key(), name: `c${id}-${i}` });
        longestMs.push(call.knownAt - call.sentAt);
        calls.push(call);
      }
    };
    // Knows an id and not the answer, before it sends the next one, to another server.
    const sender = async (id: number) => {
      for (let i = 0; i < SENDS_EACH; i++) {
        calls.push(await sendDeploy(servers[i % 2]!, { key: `k${id % KEYS}`, name: `s${id}-${i}` }));
      }
    };
    const callers = Array.from({ length: CALLERS }, (_each, id) => caller(id));
    const senders = Array.from({ length: SENDERS }, (_each, id) => sender(id));
    const all = Promise.all([...callers, ...senders]);
    await eventually(() => calls.length > 500, PATIENCE);
    const exited = leaving.drain();
    const joined = await start();
    servers.push(joined);
    expect(await exited).toBe(0);
    await all;
    await expectNothingOpen();
    expect(calls).toHaveLength(CALLERS * CALLS_EACH + SENDERS * SENDS_EACH);
    expect(breachesOfOrder(calls, await runsOf())).toEqual([]);
    // By the tables, too: each key's calls began in the order of their arrival.
    const arrivals = `select count(*)::int as n from (
      select r.id, lag(r.id) over (partition by i.key order by i.arrival) as before
        from engine.invocations i join runs r on r.name = i.idempotency_key and r.phase = 'begin') as o where before > id`;
    expect(await query(database.url, arrivals)).toEqual([{ n: 0 }]);
    console.log(`${calls.length} calls, the longest took ${Math.round(Math.max(...longestMs))} ms`);
  }, 120_000);

  // Fair: nobody has a slot free for long while calls wait for one elsewhere. All come to one server here, and a third
  // of them each would be best; a tenth is what a machine with much else to do, which runs one of them less, still shows.
  test.each([
    [
      "calls from outside",
      (server: ManyServer, calls: number, ms: number) =>
        Promise.all(
          Array.from({ length: calls }, (_, i) => server.sentinels.notifyReady({ sentinelId: `${i}x${ms}` })),
        ),
    ],
    [
      "a fan-out",
      (server: ManyServer, calls: number, ms: number) => server.rollouts.rollout({ image: workload(calls, ms) }),
    ],
  ])(
    "%s that come to one of them: the others take their share",
    async (_, call) => {
      const limits = { maxActive: 20, pollMs: 200 };
      await using first = await start(limits);
      await using second = await start(limits);
      await using third = await start(limits);
      await call(first, 2_000, 50);
      const done = await shares();
      console.log(`of 2,000 calls at one server: ${[...done.values()].join(", ")}`);
      expect(total(done)).toBe(2_000);
      for (const { pid } of [first, second, third]) expect(done.get(pid) ?? 0).toBeGreaterThan(200);
    },
    120_000,
  );

  test("one more joins while thousands wait: it takes its share, and the others are not restarted", async () => {
    const limits = { maxActive: 20, pollMs: 200 };
    await using first = await start(limits);
    await using second = await start(limits);
    const rollout = first.rollouts.rollout({ image: workload(3_000, 50) });
    await eventually(async () => total(await shares()) > 200, PATIENCE);
    await using joined = await start(limits);
    const before = total(await shares());
    expect((await rollout).rolloutId).toBe("3000");
    const done = await shares();
    console.log(`${before} were done when it joined; then: ${[...done.values()].join(", ")}`);
    expect(total(done)).toBe(3_000);
    // A third of what was left would be best.
    expect(done.get(joined.pid) ?? 0).toBeGreaterThan((3_000 - before) / 10);
    expect([first.exitCode, second.exitCode]).toEqual([null, null]);
  }, 120_000);

  test("the one with all the work is stopped: exit code 0, its caller is told, and what it held goes on elsewhere at once", async () => {
    const limits = { maxActive: 20 };
    await using first = await start(limits);
    await using second = await start(limits);
    await using third = await start(limits);
    const headers = { "idempotency-key": "once" };
    const request = { image: workload(2_000, 50) };
    const told = first.rollouts.rollout(request, { headers }).then(
      () => "answered",
      (error: unknown) => ConnectError.from(error).message,
    );
    await eventually(async () => total(await shares()) > 100, PATIENCE);
    const before = await shares();
    const stoppedAt = performance.now();
    const exited = first.drain();
    await eventually(async () => {
      const now = await shares();
      return [second, third].every(({ pid }) => (now.get(pid) ?? 0) > (before.get(pid) ?? 0));
    }, PATIENCE);
    const movedMs = performance.now() - stoppedAt;
    // Whichever comes first: its answer, which another server brings about, or the end of the time of grace.
    expect(await told).toMatch(/^(answered|\[unavailable\] the server is stopping; what was called goes on: .*)$/);
    const toldMs = performance.now() - stoppedAt;
    expect(await exited).toBe(0);
    const exitedMs = performance.now() - stoppedAt;
    const ms = [movedMs, toldMs, exitedMs].map(Math.round);
    console.log(
      `after SIGTERM: others at work in ${ms[0]} ms, caller ${await told} in ${ms[1]} ms, gone in ${ms[2]} ms`,
    );
    expect((await second.rollouts.rollout(request, { headers })).rolloutId).toBe("2000");
    expect(total(await shares())).toBe(2_000);
    await expectNothingOpen();
  }, 120_000);
});
