import { describe, expect, test } from "vitest";
import { cpuQuantity, memoryQuantity, parseQuantity, sameQuantity } from "../../../src/agent/kubernetes/quantity.ts";

describe("a quantity", () => {
  test("it is written as the API server writes it", () => {
    expect([1, 250, 1_000, 1_500, 12_000].map(cpuQuantity)).toEqual(["1m", "250m", "1", "1500m", "12"]);
    expect([1, 1_024, 1_536, 2_097_152].map(memoryQuantity)).toEqual(["1Mi", "1Gi", "1536Mi", "2Ti"]);
  });

  test.each([
    ["0.5", "500m"],
    ["1e3", "1k"],
    ["1073741824", "1Gi"],
    ["1.5Gi", "1536Mi"],
    [".25", "250m"],
  ])("%s and %s: the same amount", (one, other) => {
    expect(sameQuantity(one, other)).toBe(true);
  });

  test.each([
    ["1G", "1Gi"],
    ["much", "1"],
    [undefined, "1"],
  ])("%s and %s: not the same", (one, other) => {
    expect(sameQuantity(one, other)).toBe(false);
  });

  test("what is none: not a number", () => {
    expect([parseQuantity(""), parseQuantity("1 Gi"), parseQuantity("1Xi")]).toEqual([
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ]);
  });
});
