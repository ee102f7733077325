import { describe, expect, test } from "vitest";
import { CancelledError, TerminalError } from "../../src/engine/errors.ts";
import { DurableFuture } from "../../src/engine/future.ts";
import { type EntryRecord, JournalCursor } from "../../src/engine/journal.ts";
import { Waits } from "../../src/engine/waits.ts";

/** A handler's side and its engine's side of some futures, completed by hand. */
function setUp(records: readonly EntryRecord[] = [], delivered = false) {
  const cursor = new JournalCursor(records);
  const recorded: (readonly number[])[] = [];
  const waits = new Waits(cursor, (entries) => recorded.push(entries), delivered);
  const future = (entry: number) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    return { resolve, reject, future: new DurableFuture(entry, promise, waits, false) };
  };
  return { cursor, waits, recorded, future };
}

const run: EntryRecord = {
  entry: 1,
  kind: "run",
  name: "step",
  completion: { ok: true, value: "1" },
  childId: undefined,
  remainingMs: undefined,
};

describe("awaiting a future", () => {
  test("it resolves or rejects as the operation does, awaited once or twice", async () => {
    const { future } = setUp();
    const [good, bad] = [future(0), future(1)];
    const first = good.future.then((value) => `${value}!`);
    good.resolve("done");
    bad.reject(new TerminalError("no"));
    expect(await first).toBe("done!");
    expect(await good.future).toBe("done");
    await expect(bad.future).rejects.toThrow("no");
  });

  test("a failure that nobody awaits: it does not reach the process", async () => {
    const { future } = setUp();
    const failing = future(0);
    failing.reject(new TerminalError("no"));
    await new Promise(setImmediate);
    expect(failing.future.settled).toBe(true);
  });
});

describe("waiting for any", () => {
  test("of those that are settled, the first in the list", async () => {
    const { waits, future } = setUp();
    const futures = [future(0), future(1), future(2)] as const;
    futures[2].resolve("c");
    futures[1].reject(new TerminalError("b"));
    await Promise.allSettled([futures[1].future, futures[2].future]);
    expect(await waits.waitAny(futures.map((each) => each.future))).toBe(1);
  });

  test("of none that is settled, the one that comes first", async () => {
    const { waits, future } = setUp();
    const futures = [future(0), future(1)] as const;
    const first = waits.waitAny(futures.map((each) => each.future));
    futures[1].resolve("b");
    futures[0].resolve("a");
    expect(await first).toBe(1);
  });
});

describe("a cancellation", () => {
  test("while some are awaited: it ends all of those, once, and is recorded for each", async () => {
    const { waits, recorded, future } = setUp();
    const [one, two, three] = [future(0), future(1), future(2)];
    const open = [waits.wait(one.future), waits.wait(one.future), waits.waitAny([two.future, three.future])];
    waits.cancel();
    waits.cancel();
    for (const wait of open) await expect(wait).rejects.toBeInstanceOf(CancelledError);
    expect(recorded).toEqual([[0, 0, 1, 2]]);
    one.resolve("later");
    expect(await one.future).toBe("later");
  });

  test("while nothing is awaited: it ends the next await, not one of what has come already", async () => {
    const { waits, recorded, future } = setUp();
    const [done, open] = [future(0), future(1)];
    done.resolve("done");
    await done.future;
    waits.cancel();
    expect(await done.future).toBe("done");
    await expect(waits.wait(open.future)).rejects.toBeInstanceOf(CancelledError);
    expect(recorded).toEqual([[1]]);
  });

  test("while the handler repeats its journal: it waits until the handler has come to its end", async () => {
    const { cursor, waits, recorded, future } = setUp([run]);
    waits.cancel();
    cursor.take("sleep", "");
    const timer = future(0);
    const slept = waits.wait(timer.future);
    timer.resolve("fired");
    expect(await slept).toBe("fired");
    cursor.take("run", "step");
    await expect(waits.wait(future(2).future)).rejects.toBeInstanceOf(CancelledError);
    expect(recorded).toEqual([[2]]);
  });

  test("which found awaits open while the journal was repeated: it ends them at its end, without a new await", async () => {
    const { cursor, waits, recorded, future } = setUp([run]);
    waits.cancel();
    cursor.take("sleep", "");
    const slept = waits.wait(future(0).future);
    cursor.take("run", "step");
    const step = future(1);
    step.resolve("1");
    await step.future.promise;
    expect(await waits.wait(step.future)).toBe("1");
    await expect(slept).rejects.toBeInstanceOf(CancelledError);
    expect(recorded).toEqual([[0]]);
  });

  test("that was recorded before: it ends the same awaits, and no other one comes", async () => {
    const cancel = { ...run, entry: 1, kind: "cancel", name: "", completion: { ok: true, value: "[0]" } } as const;
    const { waits, recorded, future } = setUp([cancel], true);
    const [one, two] = [future(0), future(2)];
    await expect(waits.wait(one.future)).rejects.toBeInstanceOf(CancelledError);
    waits.cancel();
    two.resolve("went on");
    expect(await two.future).toBe("went on");
    expect(recorded).toEqual([]);
  });
});
