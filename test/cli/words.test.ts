import { expect, test } from "vitest";
import { fitText } from "../../src/cli/fit-text.ts";
import { emptyPace, ratePerSecond, recordOutcomes } from "../../src/cli/view/pace.ts";
import { countOf, formatDuration, formatEstimate } from "../../src/cli/words.ts";

test.each([
  [0, "0.0s"],
  [850, "0.8s"],
  [4_200, "4.2s"],
  [59_400, "59s"],
  [65_000, "1m05s"],
  [7_380_000, "2h03m"],
])("%i ms: %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  [1, "1s"],
  [1_200, "2s"],
  [61_000, "1m01s"],
])("an estimate of %i ms: %s", (ms, text) => {
  expect(formatEstimate(ms)).toBe(text);
});

test("counts: singular, plural, separators", () => {
  expect([countOf(1, "sentinel"), countOf(12_000, "sentinel")]).toEqual(["1 sentinel", "12,000 sentinels"]);
});

test("a text that is too long: cut to the columns, wide characters counted as two", () => {
  expect(fitText("abcdef", 4, "…")).toBe("abc…");
  expect(fitText("日本語", 5, "…")).toBe("日本…");
  expect(fitText("abc", 3, "…")).toBe("abc");
});

test("outcomes over two seconds: their mean, of the last ten seconds only", () => {
  const pace = [1_000, 1_100, 1_900, 2_000].reduce((soFar, at) => recordOutcomes(soFar, at, 1), emptyPace);
  expect(ratePerSecond(pace, 2_500)).toBe(2);
  expect(ratePerSecond(pace, 60_000)).toBeUndefined();
});
