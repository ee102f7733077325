import { describe, expect, test } from "vitest";
import { defineEffect, type Engine, effectCall, type HandlerOptions, TerminalError } from "../../src/engine/index.ts";
import { createDatabase } from "../support/database.ts";
import { callOf, createMarks, ended, gate, handler, marksOf, outputOf, query, startEngine } from "./support.ts";

/** Takes a free place, or says who has it. */
const take = defineEffect<{ name: string }, { taken: boolean }>({
  name: "take",
  input: { name: "text" },
  output: { taken: "bool" },
  sql: `insert into marks (name, count) select name, 1 from $input
        on conflict (name) do nothing returning 1 as ord, true`,
  record: ({ name }) => name,
});

/** Lets one call in for each key, for good. */
const accept: HandlerOptions<null, string>["accept"] = (_input, { key }) => ({
  admission: {
    call: effectCall(take, { name: key }),
    judge: (result) => (result ? undefined : new TerminalError(`${key} is taken`, "conflict")),
  },
});

const guarded = handler<null, string>("guarded", () => Promise.resolve("let in"), { accept });

function invoke(engine: Engine, key: string, idempotencyKey?: string) {
  return engine.invoke({
    service: "test",
    handler: "guarded",
    key,
    input: null,
    ...(idempotencyKey ? { idempotencyKey } : {}),
  });
}

async function settled<T>(promises: readonly Promise<T>[]): Promise<{ values: T[]; reasons: unknown[] }> {
  const results = await Promise.allSettled(promises);
  return {
    values: results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])),
    reasons: results.flatMap((result) => (result.status === "rejected" ? [result.reason] : [])),
  };
}

describe("a handler's door", () => {
  test("refuses: the caller is told why, and nothing is stored", async () => {
    await using db = await createMarks();
    const picky = handler<number>("picky", (_ctx, i) => Promise.resolve(i), {
      accept(i) {
        if (i < 0) throw new TerminalError("it must not be negative", "invalid");
        return { input: i * 10 };
      },
    });
    await using engine = await startEngine(db.url, [picky]);
    await expect(callOf(engine, "picky", "k", -1)).rejects.toMatchObject({
      kind: "invalid",
      message: "it must not be negative",
    });
    expect(await query(db.url, "select from engine.invocations")).toEqual([]);
    expect(await callOf(engine, "picky", "k", 1)).toBe(10);
    await expect(callOf(engine, "nobody")).rejects.toMatchObject({ kind: "not_found" });
  });

  test("two at the same instant, at two nodes: one is let in, and the other leaves no trace", async () => {
    await using db = await createMarks();
    await using engine = await startEngine(db.url, [guarded]);
    await using other = await startEngine(db.url, [guarded]);
    const calls = Array.from({ length: 10 }, (_, i) => invoke(i % 2 === 0 ? engine : other, "place"));
    const { values, reasons } = await settled(calls);
    expect([values.length, reasons.length]).toEqual([1, 9]);
    for (const reason of reasons) expect(reason).toMatchObject({ kind: "conflict", message: "place is taken" });
    expect(outputOf(await ended(other, values[0]?.invocationId ?? ""))).toBe("let in");
    expect(await query(db.url, "select count(*)::int as count from engine.invocations")).toEqual([{ count: 1 }]);
  });

  test("what it does not see: calls between handlers", async () => {
    await using db = await createMarks();
    const caller = handler("caller", async (ctx) => ctx.call(guarded, "place", null));
    await using engine = await startEngine(db.url, [guarded, caller]);
    expect(await callOf(engine, "caller")).toBe("let in");
    expect(await marksOf(db.url)).toEqual({});
  });
});

describe("an idempotency key", () => {
  test("repeated at once from two nodes: one invocation, and all get its answer", async () => {
    await using db = await createMarks();
    await using engine = await startEngine(db.url, [guarded]);
    await using other = await startEngine(db.url, [guarded]);
    const calls = await Promise.all(
      Array.from({ length: 20 }, (_, i) => invoke(i % 2 === 0 ? engine : other, "place", "one")),
    );
    expect(new Set(calls.map(({ invocationId }) => invocationId)).size).toBe(1);
    expect(calls.filter(({ repeated }) => !repeated)).toHaveLength(1);
    expect(await query(db.url, "select count(*)::int as count from engine.invocations")).toEqual([{ count: 1 }]);
  });

  test("repeated after the end: the same answer, without being judged again", async () => {
    await using db = await createMarks();
    await using engine = await startEngine(db.url, [guarded]);
    const first = await invoke(engine, "place", "one");
    outputOf(await ended(engine, first.invocationId));
    expect(await invoke(engine, "place", "one")).toEqual({ invocationId: first.invocationId, repeated: true });
    await expect(invoke(engine, "place", "two")).rejects.toMatchObject({ kind: "conflict" });
    expect(await marksOf(db.url)).toEqual({ place: 1 });
  });

  test("of a call that was refused: it is not remembered", async () => {
    await using db = await createMarks();
    await query(db.url, "insert into marks values ('place', 1)");
    await using engine = await startEngine(db.url, [guarded]);
    await expect(invoke(engine, "place", "one")).rejects.toMatchObject({ kind: "conflict" });
    expect(await query(db.url, "select from engine.idempotency")).toEqual([]);
    await query(db.url, "delete from marks");
    expect(await invoke(engine, "place", "one")).toMatchObject({ repeated: false });
  });

  test("is one per service, key and handler, and can be looked up", async () => {
    await using db = await createMarks();
    await using engine = await startEngine(db.url, [guarded]);
    const one = await invoke(engine, "one", "same");
    const two = await invoke(engine, "two", "same");
    expect(two).toMatchObject({ repeated: false });
    const call = { service: "test", key: "one", handler: "guarded", idempotencyKey: "same" };
    expect(await engine.lookup(call)).toBe(one.invocationId);
    expect(await engine.lookup({ ...call, key: "three" })).toBeUndefined();
  });
});

describe("waiting for an outcome", () => {
  test("attach and output: there is none with this id; it has not ended; it has", async () => {
    await using db = await createDatabase();
    const held = gate();
    const slow = handler("slow", async (ctx) => ctx.run("hold", () => held.pass()));
    await using engine = await startEngine(db.url, [slow]);
    expect(await engine.attach("inv_10000000000")).toBeUndefined();
    expect(await engine.output("inv_10000000000")).toBeUndefined();
    await expect(engine.attach("x")).rejects.toMatchObject({ kind: "invalid" });
    const { invocationId } = await engine.invoke({ service: "test", handler: "slow", key: "k", input: null });
    expect(await engine.output(invocationId)).toBe("pending");
    const waiting = engine.attach(invocationId);
    held.open();
    expect(await waiting).toMatchObject({ ok: true, output: "null" });
    expect(await engine.output(invocationId)).toMatchObject({ ok: true, output: "null" });
  });

  test("a signal ends the waiting, not the invocation", async () => {
    await using db = await createDatabase();
    const held = gate();
    const slow = handler("slow", async (ctx) => ctx.run("hold", () => held.pass()));
    await using engine = await startEngine(db.url, [slow]);
    const { invocationId } = await engine.invoke({ service: "test", handler: "slow", key: "k", input: null });
    const hangUp = new AbortController();
    const gone = engine.attach(invocationId, hangUp.signal);
    const stays = engine.attach(invocationId);
    hangUp.abort(new Error("hung up"));
    await expect(gone).rejects.toThrow("hung up");
    await expect(engine.attach(invocationId, AbortSignal.abort(new Error("at once")))).rejects.toThrow("at once");
    held.open();
    expect(await stays).toMatchObject({ ok: true });
  });

  test("of what another node runs: its end arrives by the hint, without a poll", async () => {
    await using db = await createDatabase();
    const held = gate();
    const slow = handler("slow", async (ctx) => ctx.run("hold", () => held.pass()));
    await using engine = await startEngine(db.url, [slow], { limits: { pollMs: 60_000 } });
    await using other = await startEngine(db.url, [slow], { limits: { pollMs: 60_000 } });
    const { invocationId } = await engine.invoke({ service: "test", handler: "slow", key: "k", input: null });
    const waiting = other.attach(invocationId);
    await held.entered;
    held.open();
    expect(await waiting).toMatchObject({ ok: true });
  });
});

describe("a door that answers", () => {
  test("born ended in one commit, its handler never runs, repeats and refusals as ever", async () => {
    await using db = await createMarks();
    let ran = 0;
    const atTheDoor: HandlerOptions<null, string>["accept"] = (input, arrival) => ({
      ...accept?.(input, arrival),
      answer: `${arrival.key} is yours`,
    });
    const prompt = handler<null, string>("guarded", async () => `ran ${++ran}`, { accept: atTheDoor, kind: "shared" });
    await using engine = await startEngine(db.url, [prompt]);
    await using other = await startEngine(db.url, [prompt]);
    const first = await invoke(engine, "place", "key");
    expect(outputOf(await ended(engine, first.invocationId))).toBe("place is yours");
    expect(outputOf(await ended(other, first.invocationId))).toBe("place is yours");
    expect(await invoke(other, "place", "key")).toMatchObject({ invocationId: first.invocationId, repeated: true });
    await expect(invoke(engine, "place")).rejects.toMatchObject({ message: "place is taken" });
    expect(
      await query(db.url, "select status, attempts, completed_at is not null as ended from engine.invocations"),
    ).toEqual([{ status: "succeeded", attempts: 0, ended: true }]);
    expect(ran).toBe(0);
  });
});
