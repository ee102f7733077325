import fc from "fast-check";
import { expect, test } from "vitest";
import { drawBar, shareCells } from "../../src/cli/drawing/bar.ts";

const counts = fc.array(fc.nat(100_000), { minLength: 1, maxLength: 5 });

test("any counts with something in them: the cells add up to the width", () => {
  fc.assert(
    fc.property(counts, fc.integer({ min: 1, max: 200 }), (some, width) => {
      fc.pre(some.some((count) => count > 0));
      expect(shareCells(some, width).reduce((sum, cells) => sum + cells, 0)).toBe(width);
    }),
  );
});

test("cells enough for all: what is there has one, what is not has none", () => {
  fc.assert(
    fc.property(counts, fc.integer({ min: 5, max: 200 }), (some, width) => {
      fc.pre(some.some((count) => count > 0));
      const cells = shareCells(some, width);
      for (const [index, count] of some.entries()) expect((cells[index] ?? 0) > 0).toBe(count > 0);
    }),
  );
});

test("one failure among 50,000: it shows", () => {
  expect(shareCells([49_999, 1, 0], 40)).toEqual([39, 1, 0]);
});

test("halves: half each", () => {
  expect(shareCells([5, 5], 10)).toEqual([5, 5]);
});

test("nothing to show: blank", () => {
  expect(drawBar([{ count: 0, paint: (cells) => "#".repeat(cells) }], 4)).toBe("    ");
});
