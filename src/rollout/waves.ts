import { TerminalError } from "../engine/index.ts";

/** Where the waves of a rollout end if its caller does not say, in percent of the targets. */
export const DEFAULT_WAVE_PERCENTAGES: readonly number[] = [1, 5, 25, 50, 100];

/** A part of the targets, which are numbered from 0 in the order of sentinel ids. */
export interface PlannedWave {
  /** From 0, without gaps. */
  readonly index: number;
  /** Where it ends, in percent of the targets. */
  readonly percentage: number;
  /** Number of its first target. */
  readonly first: number;
  readonly size: number;
}

/**
 * The percentages to use for those of a request; none: the default.
 * Throws a TerminalError of kind `invalid` unless they are strictly increasing
 * within 1 to 100 and end at 100: anything else would leave targets behind.
 */
export function checkWavePercentages(percentages: readonly number[]): readonly number[] {
  if (percentages.length === 0) return DEFAULT_WAVE_PERCENTAGES;
  const refuse = (what: string) =>
    new TerminalError(
      `wave_percentages: ${what}; accepted are whole numbers from 1 to 100, each greater than the one before, the last one 100`,
      "invalid",
    );
  let before = 0;
  for (const [position, percentage] of percentages.entries()) {
    if (!Number.isInteger(percentage) || percentage < 1 || percentage > 100) {
      throw refuse(`${percentage} (number ${position + 1}) is not within 1 to 100`);
    }
    if (percentage <= before) throw refuse(`${percentage} (number ${position + 1}) is not greater than ${before}`);
    before = percentage;
  }
  if (before !== 100) throw refuse(`the last one is ${before}`);
  return percentages;
}

/** Cuts targets into waves: each ends at its percentage, rounded up; one that adds nobody is left out. */
export function planWaves(total: number, percentages: readonly number[]): PlannedWave[] {
  const waves: PlannedWave[] = [];
  let first = 0;
  for (const percentage of percentages) {
    const end = Math.ceil((total * percentage) / 100);
    if (end === first) continue;
    waves.push({ index: waves.length, percentage, first, size: end - first });
    first = end;
  }
  return waves;
}
