import fc from "fast-check";
import { expect, test } from "vitest";
import { StartQueue } from "../../src/engine/start-queue.ts";

test("first in, first out, priority 0 before 1, whatever is added and taken", () => {
  const steps = fc.array(fc.option(fc.constantFrom(0, 1), { nil: "take" as const }), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (list) => {
      const queue = new StartQueue<number>();
      const model: number[][] = [[], []];
      list.forEach((step, i) => {
        if (step === "take") expect(queue.take()).toBe(model[0]?.shift() ?? model[1]?.shift());
        else {
          queue.add(i, step);
          model[step]?.push(i);
        }
        expect(queue.size).toBe(model.flat().length);
      });
    }),
  );
});

test("cleared: it is empty, and takes new ones", () => {
  const queue = new StartQueue<string>();
  queue.add("a", 0);
  queue.add("b", 1);
  queue.clear();
  expect([queue.size, queue.take()]).toEqual([0, undefined]);
  queue.add("c", 1);
  expect(queue.take()).toBe("c");
});
