import { expect, test } from "vitest";
import { breachesOfOrder, type Run } from "./callers.ts";

const call = (name: string, sentAt: number, knownAt: number) => ({ key: "k", name, sentAt, knownAt });
const ran = (...names: string[]): Run[] =>
  names.flatMap((name) => [
    { key: "k", name, phase: "begin" as const },
    { key: "k", name, phase: "end" as const },
  ]);

const CALLS = [call("a", 0, 10), call("b", 5, 15), call("c", 20, 30)];

test.each([
  ["in the order in which they were sent", ran("a", "b", "c"), 0],
  ["two that were under way together, in the other order", ran("b", "a", "c"), 0],
  ["one before another that was accepted before it was sent", ran("a", "c", "b"), 1],
  ["one never", ran("a", "b"), 2],
  ["one twice", ran("a", "b", "b", "c"), 2],
  ["two at once", [ran("a")[0]!, ran("b")[0]!, ran("a")[1]!, ran("b")[1]!, ...ran("c")], 1],
])("calls ran %s: as many breaches as there are", (_, runs, breaches) => {
  expect(breachesOfOrder(CALLS, runs)).toHaveLength(breaches);
});
