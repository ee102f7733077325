import { describe, expect, test } from "vitest";
import { createEngine, effectCall, type EngineObserver, TerminalError } from "../../src/engine/index.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { startProxy } from "./fixtures/proxy.ts";
import {
  advance,
  callOf,
  createMarks,
  gate,
  handler,
  mark,
  outcomeOf,
  query,
  send,
  shared,
  startEngine,
  waitForStatus,
} from "./support.ts";

refuseLeaks();

/** Counts what it is told. */
class Counting implements EngineObserver {
  batches = 0;
  operations = 0;
  failed = 0;
  parked = 0;
  takenOver = 0;
  regained = 0;
  durations: number[] = [];
  batchCommitted(operations: number, durationMs: number): void {
    this.batches++;
    this.operations += operations;
    this.durations.push(durationMs);
  }
  attemptFailed(): void {
    this.failed++;
  }
  invocationParked(): void {
    this.parked++;
  }
  nodeTakenOver(): void {
    this.takenOver++;
  }
  databaseRegained(): void {
    this.regained++;
  }
}

describe("what an engine tells its observer", () => {
  test("commits: each batch with its operations and its time", async () => {
    await using db = await createMarks();
    const observer = new Counting();
    const count = handler<string>("count", (ctx, name) => Promise.resolve(ctx.tx(mark, { name })), shared);
    await using engine = await startEngine(db.url, [count], { observer });
    await Promise.all(Array.from({ length: 50 }, (_, i) => callOf(engine, "count", `k${i}`, `m${i}`)));
    const { batches, operations } = engine.stats();
    expect(observer).toMatchObject({ batches, operations, failed: 0, parked: 0 });
    expect(operations).toBeGreaterThanOrEqual(100);
    expect(observer.durations.every((ms) => ms > 0)).toBe(true);
  });

  test("an attempt that fails twice and one that parks: two failures, one parking", async () => {
    await using db = await createMarks();
    const observer = new Counting();
    let runs = 0;
    const flaky = handler("flaky", () => (++runs < 3 ? Promise.reject(new Error("not yet")) : Promise.resolve("done")));
    const hopeless = handler("hopeless", () => Promise.reject(new Error("never")), { retry: { maxAttempts: 1 } });
    await using engine = await startEngine(db.url, [flaky, hopeless], { observer });
    expect(await callOf(engine, "flaky")).toBe("done");
    await waitForStatus(engine, await send(engine, "hopeless"), "parked");
    await eventually(() => observer.parked === 1);
    expect(observer).toMatchObject({ failed: 2, parked: 1 });
  });

  test("a peer that was stopped hard: one take-over, told by one of those who are left", async () => {
    await using db = await createMarks();
    const proxy = await startProxy(db.url);
    const dead = createEngine({ databaseUrl: proxy.url, handlers: [], limits: { leaseMs: 60_000 } });
    await dead.start();
    const observer = new Counting();
    await using survivor = await startEngine(db.url, [], { observer, limits: { leaseMs: 1_000 } });
    expect(observer.takenOver).toBe(0);
    await proxy[Symbol.asyncDispose]();
    await eventually(() => observer.takenOver === 1);
    expect(survivor.stats().nodeId).not.toBe("");
    await dead.stop();
  });

  test("the connection breaks: regained once", async () => {
    await using db = await createMarks();
    const observer = new Counting();
    await using engine = await startEngine(db.url, [], { observer });
    await query(
      db.url,
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and datname = current_database()",
      ["hydra engine writer"],
    );
    await eventually(() => observer.regained === 1);
    expect(await engine.execute(mark, { name: "after" })).toEqual({ count: 1 });
  });
});

describe("what a committed effect tells", () => {
  test("a hit, a miss and an end in the same commit: each told once, and not again in a replay", async () => {
    await using db = await createMarks();
    const told: unknown[] = [];
    const committed = (result: { count: number } | null) => void told.push(result?.count ?? "missed");
    let runs = 0;
    const run = handler("run", async (ctx) => {
      await ctx.tx(mark, { name: "a" }, { committed });
      await ctx.tx(advance, { name: "a", expected: 7 }, { committed });
      if (++runs === 1) throw new Error("again");
      return ctx.tx(mark, { name: "a" }, { committed, end: () => ({ output: "ended" }) });
    });
    await using engine = await startEngine(db.url, [run]);
    expect(await callOf(engine, "run")).toBe("ended");
    expect(runs).toBe(2);
    expect(told).toEqual([1, "missed", 2]);
  });

  test("an invocation that is abandoned: the effect that tells so is told of", async () => {
    await using db = await createMarks();
    const told: unknown[] = [];
    const lost = handler("lost", () => Promise.reject(new TerminalError("no", "internal")), {
      abandoned: () => effectCall(mark, { name: "lost" }, (result) => told.push(result)),
    });
    await using engine = await startEngine(db.url, [lost]);
    expect(await outcomeOf(engine, "lost")).toMatchObject({ ok: false });
    expect(told).toEqual([{ count: 1 }]);
  });

  test("a call that is refused, and the repeat of one that was not: nothing is told", async () => {
    await using db = await createMarks();
    const told: unknown[] = [];
    const door = handler<string>("door", async () => "in", {
      accept: (name) => ({
        admission: {
          call: effectCall(advance, { name, expected: 1 }, (result) => told.push(result)),
          judge: (result) => (result === null ? new TerminalError("not now", "conflict") : undefined),
        },
      }),
    });
    await using engine = await startEngine(db.url, [door]);
    await engine.execute(mark, { name: "open" });
    const call = { service: "test", handler: "door", key: "k" };
    await expect(engine.invoke({ ...call, input: "shut" })).rejects.toThrow("not now");
    expect(told).toEqual([]);
    await engine.invoke({ ...call, input: "open", idempotencyKey: "once" });
    await engine.invoke({ ...call, input: "open", idempotencyKey: "once" });
    expect(told).toEqual([{ count: 2 }]);
  });
});

describe("counting open invocations", () => {
  test("one in each status: counted as it stands, ended ones left out", async () => {
    await using db = await createMarks();
    const hold = gate();
    const wait = handler("wait", () => hold.pass());
    const hopeless = handler("hopeless", () => Promise.reject(new Error("never")), { retry: { maxAttempts: 1 } });
    const done = handler("done", async () => "done");
    await using engine = await startEngine(db.url, [wait, hopeless, done]);
    await callOf(engine, "done");
    await waitForStatus(engine, await send(engine, "hopeless", "p"), "parked");
    await send(engine, "wait");
    await send(engine, "wait");
    await send(engine, "wait");
    await engine.invoke({ service: "test", handler: "wait", key: "late", input: null, delayMs: 3_600_000 });
    await hold.entered;
    expect(await engine.countOpenInvocations()).toEqual({
      scheduled: 1,
      queued: 2,
      ready: 0,
      running: 1,
      suspended: 0,
      parked: 1,
    });
    await query(db.url, "update engine.invocations set status = 'suspended' where status = 'scheduled'");
    expect(await engine.countOpenInvocations()).toMatchObject({ scheduled: 0, suspended: 1 });
    hold.open();
  });
});
