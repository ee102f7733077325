import { expect, test } from "vitest";
import { longestWaitMs } from "../../src/agent/backoff.ts";

test("failures in a row: the first waits stay short, as a hydra that restarts is soon back; then they double, up to ten seconds", () => {
  const waits = Array.from({ length: 19 }, (_, index) => longestWaitMs(index + 1, 10));
  expect(waits).toEqual([...Array(10).fill(100), 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000]);
  expect(longestWaitMs(1_000_000, 10)).toBe(10_000);
});
