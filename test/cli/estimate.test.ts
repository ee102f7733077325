import { expect, test } from "vitest";
import { estimateRemaining } from "../../src/cli/view/estimate.ts";
import type { WaveView } from "../../src/cli/view/rollout-view.ts";

function wave(index: number, size: number, startedAt?: number, completedAt?: number, ready = 0): WaveView {
  return {
    index,
    percentage: undefined,
    size,
    ready,
    failed: 0,
    skipped: 0,
    reverted: 0,
    deploying: 0,
    startedAt,
    completedAt,
  };
}

test("no wave is over: no estimate", () => {
  expect(estimateRemaining([wave(0, 1, 0), wave(1, 9)], 500)).toBeUndefined();
});

test("waves of all sizes take the same: so will the next ones", () => {
  const waves = [wave(0, 1, 0, 2_000), wave(1, 4, 2_000, 4_000), wave(2, 50), wave(3, 45)];
  expect(estimateRemaining(waves, 4_000)).toEqual({ remainingMs: 4_000, basis: "the pace of waves 1 to 2" });
});

test("time grows with the size: so it will", () => {
  const waves = [wave(0, 100, 0, 1_000), wave(1, 400, 1_000, 5_000), wave(2, 1_000)];
  expect(estimateRemaining(waves, 5_000)?.remainingMs).toBeCloseTo(10_000);
});

test("in mid-wave: what has passed of it is taken off", () => {
  const estimate = estimateRemaining([wave(0, 1, 0, 2_000), wave(1, 4, 2_000)], 2_500);
  expect(estimate).toEqual({ remainingMs: 1_500, basis: "the pace of wave 1" });
});

test("a wave that takes longer than foreseen: by what is done of it", () => {
  const estimate = estimateRemaining([wave(0, 1, 0, 1_000), wave(1, 10, 1_000, undefined, 5)], 5_000);
  expect(estimate).toEqual({ remainingMs: 4_000, basis: "what is done of wave 2" });
});

test("longer than foreseen, and nothing is done of it: no estimate", () => {
  expect(estimateRemaining([wave(0, 1, 0, 1_000), wave(1, 10, 1_000)], 5_000)).toBeUndefined();
});
