import fc from "fast-check";
import { expect, test } from "vitest";
import { convergeTimeMs } from "../../../src/agent/simulated/converge-time.ts";

test("any seed, sentinel and deploy: within the range, and the same again", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.string(),
      fc.bigInt(0n, 99n),
      fc.nat(50),
      fc.nat(50),
      (seed, id, deploy, min, spread) => {
        const range = { min, max: min + spread };
        const time = convergeTimeMs(range, seed, id, deploy);
        expect(time).toBeGreaterThanOrEqual(min);
        expect(time).toBeLessThanOrEqual(min + spread);
        expect(convergeTimeMs(range, seed, id, deploy)).toBe(time);
      },
    ),
  );
});

test("a thousand neighbouring ids: their times spread over the whole range", () => {
  const range = { min: 0, max: 9 };
  const counts = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 1_000; i++) counts[convergeTimeMs(range, 7, `snt_${String(i).padStart(6, "0")}`, 1n)]! += 1;
  expect(Math.min(...counts)).toBeGreaterThan(50);
});
