import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defineEffect, effectCall } from "../../src/engine/effect.ts";
import type { Unit } from "../../src/engine/unit.ts";
import { UnitQueue } from "../../src/engine/unit-queue.ts";

const touch = defineEffect<{ name: string }, object>({
  name: "touch",
  input: { name: "text" },
  output: {},
  sql: "select ord from $input",
  record: ({ name }) => name,
});

function unit(shape: Partial<Unit> & { records?: readonly string[] } = {}): Unit {
  const { records = [], ...rest } = shape;
  return {
    urgent: false,
    effects: records.map((name) => effectCall(touch, { name })),
    weight: 1,
    survives: false,
    operations: () => [],
    committed() {},
    failed() {},
    ...rest,
  };
}

function queueOf(...units: readonly Unit[]): UnitQueue {
  const queue = new UnitQueue();
  for (const each of units) queue.add(each);
  return queue;
}

/** Whether two units touch one record. */
function share(a: Unit, b: Unit): boolean {
  const names = (each: Unit) => each.effects.map(({ row }) => (row as { name: string }).name);
  return names(a).some((name) => names(b).includes(name));
}

/** All batches until nothing is left. */
function batches(queue: UnitQueue, maxWeight: number): Unit[][] {
  const taken: Unit[][] = [];
  while (queue.weight > 0) taken.push(queue.take(maxWeight));
  return taken;
}

describe("UnitQueue", () => {
  test("urgent units go before the others, each kind in its order", () => {
    const [a, b, c, d] = [unit(), unit({ urgent: true }), unit(), unit({ urgent: true })];
    expect(queueOf(a, b, c, d).take(10)).toEqual([b, d, a, c]);
  });

  test("urgent units without an end: each batch still takes one of the others, however heavy", () => {
    const queue = queueOf(unit({ weight: 10 }), unit({ weight: 10 }));
    for (let left = 1; left >= 0; left--) {
      queue.add(unit({ urgent: true }));
      expect(queue.take(10).map(({ weight }) => weight)).toEqual([1, 10]);
      expect(queue.weight).toBe(left * 10);
    }
  });

  test("a batch ends before it is too heavy, but takes one unit however heavy it is", () => {
    const [heavy, light, next] = [unit({ weight: 100 }), unit({ weight: 6 }), unit({ weight: 5 })];
    expect(batches(queueOf(heavy, light, next), 10)).toEqual([[heavy], [light], [next]]);
  });

  test("of units that touch one record, each waits for the batch after the one before it", () => {
    const units = [unit({ records: ["a"] }), unit({ records: ["b", "a"] }), unit({ records: ["b"] }), unit()];
    expect(batches(queueOf(...units), 10)).toEqual([[units[0], units[3]], [units[1]], [units[2]]]);
  });

  test("of calls with one idempotency key, each waits for the batch after the one before it", () => {
    const claim = { service: "s", key: "k", handler: "h", idempotencyKey: "i", invocationId: 1 };
    const units = [
      unit({ claim }),
      unit({ claim: { ...claim, invocationId: 2 } }),
      unit({ claim: { ...claim, key: "other" } }),
    ];
    expect(batches(queueOf(...units), 10)).toEqual([[units[0], units[2]], [units[1]]]);
  });

  test("units of one lane keep their order: what comes after one that waits, waits, too", () => {
    const units = [unit({ records: ["a"] }), unit({ lane: 1, records: ["a"] }), unit({ lane: 1 }), unit({ lane: 2 })];
    expect(batches(queueOf(...units), 10)).toEqual([
      [units[0], units[3]],
      [units[1], units[2]],
    ]);
  });

  test("two units of one lane with effects never share a batch", () => {
    const units = [unit({ lane: 1, records: ["a"] }), unit({ lane: 1 }), unit({ lane: 1, records: ["b"] })];
    expect(batches(queueOf(...units), 10)).toEqual([[units[0], units[1]], [units[2]]]);
  });

  test("takeAll empties it", () => {
    const [a, b] = [unit(), unit({ urgent: true, weight: 4 })];
    const queue = queueOf(a, b);
    expect(queue.weight).toBe(5);
    expect(queue.takeAll()).toEqual([b, a]);
    expect([queue.weight, queue.take(10)]).toEqual([0, []]);
  });

  test("whatever is added: every unit leaves once, lanes and records keep their order", () => {
    const shapes = fc.record({
      lane: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
      weight: fc.integer({ min: 1, max: 12 }),
      records: fc.uniqueArray(fc.constantFrom("a", "b", "c"), { maxLength: 2 }),
    });
    fc.assert(
      fc.property(fc.array(shapes, { maxLength: 40 }), (all) => {
        const units = all.map(({ lane, ...rest }) => unit(lane === undefined ? rest : { lane, ...rest }));
        const taken = batches(queueOf(...units), 10);
        expect(new Set(taken.flat())).toEqual(new Set(units));
        expect(taken.flat()).toHaveLength(units.length);
        const batchOf = new Map(taken.flatMap((batch, i) => batch.map((each) => [each, i] as const)));
        const place = (each: Unit) => taken.flat().indexOf(each);
        const pairs = units.flatMap((later, i) => units.slice(0, i).map((earlier) => [earlier, later] as const));
        const passed = pairs.filter(([a, b]) => a.lane !== undefined && a.lane === b.lane && place(a) > place(b));
        const together = pairs.filter(([a, b]) => share(a, b) && (batchOf.get(a) ?? 0) >= (batchOf.get(b) ?? 0));
        expect([passed, together]).toEqual([[], []]);
      }),
    );
  });
});
