import { expect, test } from "vitest";
import { durationText } from "../../src/rollout/duration-text.ts";

test.each([
  [600_000, "10m"],
  [5_000, "5s"],
  [90_000, "90s"],
  [200, "200ms"],
  [7_200_000, "2h"],
])("%d ms: %s", (ms, text) => {
  expect(durationText(ms)).toBe(text);
});
