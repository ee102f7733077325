import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkWavePercentages, DEFAULT_WAVE_PERCENTAGES, planWaves } from "../../src/rollout/waves.ts";

const percentages = fc
  .uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 99 })
  .map((list) => [...list.sort((a, b) => a - b), 100]);

describe("planWaves", () => {
  test("any number of targets and any percentages: every target is in exactly one wave, in order", () => {
    fc.assert(
      fc.property(fc.nat({ max: 100_000 }), percentages, (total, list) => {
        let end = 0;
        for (const [index, wave] of planWaves(total, list).entries()) {
          expect(wave).toMatchObject({ index, first: end });
          expect(wave.size).toBeGreaterThan(0);
          end += wave.size;
          expect(end).toBe(Math.ceil((total * wave.percentage) / 100));
        }
        expect(end).toBe(total);
      }),
    );
  });

  test("a thousand targets and the default percentages: each wave ends at its share", () => {
    expect(planWaves(1_000, DEFAULT_WAVE_PERCENTAGES).map(({ size }) => size)).toEqual([10, 40, 200, 250, 500]);
  });

  test("few targets: waves that would add nobody are left out, and numbers stay consecutive", () => {
    expect(planWaves(3, DEFAULT_WAVE_PERCENTAGES)).toEqual([
      { index: 0, percentage: 1, first: 0, size: 1 },
      { index: 1, percentage: 50, first: 1, size: 1 },
      { index: 2, percentage: 100, first: 2, size: 1 },
    ]);
  });

  test("no targets: no waves", () => {
    expect(planWaves(0, DEFAULT_WAVE_PERCENTAGES)).toEqual([]);
  });
});

describe("checkWavePercentages", () => {
  test("none given: the default", () => {
    expect(checkWavePercentages([])).toEqual([1, 5, 25, 50, 100]);
  });

  test("increasing within 1 to 100 and ending at 100: taken as they are", () => {
    fc.assert(
      fc.property(percentages, (list) => {
        expect(checkWavePercentages(list)).toBe(list);
      }),
    );
  });

  test.each([
    [[0, 100], "0 (number 1) is not within 1 to 100"],
    [[-5, 100], "-5 (number 1) is not within 1 to 100"],
    [[50, 101], "101 (number 2) is not within 1 to 100"],
    [[50, 50, 100], "50 (number 2) is not greater than 50"],
    [[50, 25, 100], "25 (number 2) is not greater than 50"],
    [[10, 99], "the last one is 99"],
    [[100, 100], "100 (number 2) is not greater than 100"],
  ])("%j: refused as invalid, naming what is wrong", (list, fault) => {
    const check = () => checkWavePercentages(list);
    expect(check).toThrow(fault);
    expect(check).toThrow(expect.objectContaining({ kind: "invalid" }));
  });

  test("thousands of percentages: refused in one short sentence", () => {
    const list = Array.from({ length: 5_000 }, (_, i) => i + 1);
    expect(() => checkWavePercentages(list)).toThrow(/^wave_percentages: 101 \(number 101\) .{0,200}$/);
  });
});
