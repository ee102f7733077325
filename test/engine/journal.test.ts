import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JournalMismatchError } from "../../src/engine/errors.ts";
import { type EntryKind, type EntryRecord, JournalCursor } from "../../src/engine/journal.ts";

function record(entry: number, kind: EntryKind, name = "", value = "null"): EntryRecord {
  return { entry, kind, name, completion: { ok: true, value }, childId: undefined, remainingMs: undefined };
}

describe("JournalCursor", () => {
  test("J1. operations take their numbers in order, with the record of each", () => {
    const records = [record(0, "run", "a"), record(1, "sleep"), record(2, "run", "b")];
    const cursor = new JournalCursor(records);
    expect(cursor.take("run", "a")).toEqual({ entry: 0, record: records[0] });
    expect(cursor.take("sleep", "")).toEqual({ entry: 1, record: records[1] });
    expect(cursor.take("run", "b")).toEqual({ entry: 2, record: records[2] });
    expect(cursor.take("run", "c")).toEqual({ entry: 3, record: undefined });
  });

  test.each([
    ["kind", "sleep", ""],
    ["name", "run", "b"],
  ] as const)("J2. another %s than the record's: it throws, and says both", (_what, kind, name) => {
    const cursor = new JournalCursor([record(0, "run", "a")]);
    expect(() => cursor.take(kind, name)).toThrow(JournalMismatchError);
    expect(() => new JournalCursor([record(0, "run", "a")]).take(kind, name)).toThrow(/journal has run "a".*now does/);
  });

  test("J3. it is live once the handler has come to every record, also one beyond a gap", () => {
    const cursor = new JournalCursor([record(0, "run", "a"), record(2, "awakeable")]);
    expect(cursor.live).toBe(false);
    cursor.take("run", "a");
    expect(cursor.take("tx", "unrecorded").record).toBeUndefined();
    expect(cursor.live).toBe(false);
    expect(cursor.take("awakeable", "").record).toBeDefined();
    expect(cursor.live).toBe(true);
  });

  test("J4. a cancellation is skipped, and cancels as many awaits of its entries as it names", () => {
    const cursor = new JournalCursor([record(0, "sleep"), record(1, "cancel", "", "[0,0,4]"), record(2, "run", "a")]);
    cursor.take("sleep", "");
    expect(cursor.take("run", "a").entry).toBe(2);
    expect(cursor.live).toBe(true);
    expect([0, 0, 0, 4, 4, 1].map((entry) => cursor.wasCancelled(entry))).toEqual([
      true,
      true,
      false,
      true,
      false,
      false,
    ]);
  });

  test("the handler ends before its journal: it throws; awakeables and cancellations may be left", () => {
    const cursor = new JournalCursor([record(0, "run", "a"), record(1, "tx", "b")]);
    cursor.take("run", "a");
    expect(() => cursor.assertAtEnd()).toThrow(/journal has tx "b", the handler now ends/);
    const left = new JournalCursor([record(0, "awakeable"), record(1, "cancel", "", "[]")]);
    expect(() => left.assertAtEnd()).not.toThrow();
  });

  test("whatever was recorded: the same operations take the same entries, with cancellations anywhere between", () => {
    const kinds = fc.constantFrom<EntryKind>("run", "tx", "call", "send", "sleep", "get", "now", "cancel");
    fc.assert(
      fc.property(fc.array(fc.tuple(kinds, fc.string({ maxLength: 3 })), { maxLength: 30 }), (operations) => {
        const records = operations.map(([kind, name], i) => record(i, kind, name, kind === "cancel" ? "[]" : "null"));
        const cursor = new JournalCursor(records);
        for (const { kind, name, entry } of records.filter((each) => each.kind !== "cancel")) {
          expect(cursor.take(kind, name)).toMatchObject({ entry, record: { kind, name } });
        }
        expect(cursor.live).toBe(true);
        cursor.assertAtEnd();
        expect(cursor.take("run", "new")).toEqual({ entry: records.length, record: undefined });
      }),
    );
  });
});
