import { expect, test } from "vitest";
import { estimateRemainingMs } from "../../src/cli/estimate.ts";
import type { WaveView } from "../../src/cli/rollout-view.ts";

function wave(size: number, startedAt?: number, completedAt?: number, ready = 0): WaveView {
  return { index: 0, percentage: undefined, size, ready, failed: 0, skipped: 0, deploying: 0, startedAt, completedAt };
}

test("no wave is over: no estimate", () => {
  expect(estimateRemainingMs([wave(1, 0), wave(9)], 500)).toBeUndefined();
});

test("waves of all sizes take the same: so will the next ones", () => {
  expect(estimateRemainingMs([wave(1, 0, 2_000), wave(4, 2_000, 4_000), wave(50), wave(45)], 4_000)).toBe(4_000);
});

test("time grows with the size: so it will", () => {
  const remaining = estimateRemainingMs([wave(100, 0, 1_000), wave(400, 1_000, 5_000), wave(1_000)], 5_000);
  expect(remaining).toBeCloseTo(10_000);
});

test("in mid-wave: what has passed of it is taken off", () => {
  expect(estimateRemainingMs([wave(1, 0, 2_000), wave(4, 2_000)], 2_500)).toBe(1_500);
});

test("a wave that takes longer than foreseen: by what is done of it", () => {
  expect(estimateRemainingMs([wave(1, 0, 1_000), wave(10, 1_000, undefined, 5)], 5_000)).toBe(4_000);
});
