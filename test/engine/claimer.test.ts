import { describe, expect, test } from "vitest";
import { Claimer } from "../../src/engine/claimer.ts";
import type { EntryRecord } from "../../src/engine/journal.ts";
import type { Operation } from "../../src/engine/operations.ts";
import type { Released, Residents } from "../../src/engine/residents.ts";

/** A claimer whose node is full, and whose writes are committed by hand. */
function setUp(released: Partial<Released>, found: { entry?: number; stop?: "cancel" | "kill" }) {
  const writes: { operation: Operation; done: () => void }[] = [];
  const resident: Released = { id: 7, attempts: 1, entries: [3], asked: undefined, ...released };
  let room = 0;
  const residents = {
    queued: 0,
    release: () => {
      room = 1;
      return [resident];
    },
  } as unknown as Residents;
  const record = (entry: number): EntryRecord => ({
    entry,
    kind: "awakeable",
    name: "",
    completion: { ok: true, value: "1" },
    childId: undefined,
    remainingMs: undefined,
  });
  const claimer = new Claimer({
    pollMs: 1_000,
    maxActive: 10,
    residents,
    room: () => room,
    hasPeers: () => false,
    isClosing: () => false,
    write: (operation, done = () => {}) => writes.push({ operation, done }),
    loadCompletions: async () => new Map(found.entry === undefined ? [] : [[7, [record(found.entry)]]]),
    loadAsked: async () => new Map(found.stop === undefined ? [] : [[7, found.stop]]),
  });
  return { claimer, writes, kinds: () => writes.map(({ operation }) => operation.kind) };
}

async function afterSuspension(released: Partial<Released>, found: { entry?: number; stop?: "cancel" | "kill" }) {
  const { claimer, writes, kinds } = setUp(released, found);
  claimer.hint();
  expect(kinds()).toEqual(["suspension", "claim"]);
  for (const { done } of writes.splice(0)) done();
  await new Promise(setImmediate);
  return kinds();
}

describe("work waits and the node is full of invocations that only wait: one is let go of", () => {
  test("what it waits for came meanwhile: it is woken", async () => {
    expect(await afterSuspension({}, { entry: 3 })).toEqual(["wake"]);
  });

  test("its end was asked for meanwhile: it is woken", async () => {
    expect(await afterSuspension({}, { stop: "cancel" })).toEqual(["wake"]);
    expect(await afterSuspension({ asked: "cancel" }, { stop: "kill" })).toEqual(["wake"]);
  });

  test("nothing came that it does not know of: it stays", async () => {
    expect(await afterSuspension({}, {})).toEqual([]);
    expect(await afterSuspension({}, { entry: 2 })).toEqual([]);
    expect(await afterSuspension({ asked: "cancel" }, { stop: "cancel" })).toEqual([]);
  });
});

test("one claim at a time; a hint that comes meanwhile is not forgotten", () => {
  const { claimer, writes, kinds } = setUp({}, {});
  claimer.hint();
  claimer.hint();
  expect(kinds()).toEqual(["suspension", "claim"]);
  writes.find(({ operation }) => operation.kind === "claim")?.done();
  claimer.claimIfHinted();
  claimer.claimIfHinted();
  expect(kinds()).toEqual(["suspension", "claim", "claim"]);
});
