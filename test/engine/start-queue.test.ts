import fc from "fast-check";
import { expect, test } from "vitest";
import { StartQueue } from "../../src/engine/start-queue.ts";

test("first in, first out, priority 0 before 1, whatever is added and taken", () => {
  const steps = fc.array(fc.option(fc.constantFrom(0, 1), { nil: "take" as const }), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (list) => {
      const queue = new StartQueue<number>();
      const taken = list.map((step, i) => {
        if (step === "take") return [queue.take(), queue.size];
        queue.add(i, step);
        return [undefined, queue.size];
      });
      expect(taken).toEqual(modelOf(list));
    }),
  );
});

/** What a queue of two plain lists does. */
function modelOf(list: readonly (number | "take")[]): (number | undefined)[][] {
  const lines: number[][] = [[], []];
  return list.map((step, i) => {
    const taken = step === "take" ? (lines[0]?.shift() ?? lines[1]?.shift()) : undefined;
    if (step !== "take") lines[step]?.push(i);
    return [taken, lines.flat().length];
  });
}

test("cleared: it is empty, and takes new ones", () => {
  const queue = new StartQueue<string>();
  queue.add("a", 0);
  queue.add("b", 1);
  queue.clear();
  expect([queue.size, queue.take()]).toEqual([0, undefined]);
  queue.add("c", 1);
  expect(queue.take()).toBe("c");
});
