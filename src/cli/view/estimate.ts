import { doneOf, type WaveView } from "./rollout-view.ts";

/** How long something will take, and why we think so. */
export interface Estimate {
  readonly remainingMs: number;
  /** Goes after "by": `the pace of waves 1 to 3`. */
  readonly basis: string;
}

/**
 * How long the waves that are left will take.
 *
 * A wave costs something by itself (the slowest sentinel) and something for
 * each of its sentinels. Both follow from the waves that are over: one tells
 * the first part only, two of different sizes tell both. Undefined until one
 * is over, and where one takes longer than foreseen and has nothing done yet.
 */
export function estimateRemaining(waves: readonly WaveView[], now: number): Estimate | undefined {
  const samples = waves.flatMap(({ index, size, startedAt, completedAt }) =>
    startedAt === undefined || completedAt === undefined ? [] : [{ index, size, durationMs: completedAt - startedAt }],
  );
  if (samples.length === 0) return undefined;
  const predict = fitLine(samples);
  const left = waves.filter((wave) => wave.completedAt === undefined);
  const late = left.find((wave) => isLate(wave, predict(wave.size), now));
  if (late && doneOf(late) === 0) return undefined;
  const remainingMs = left.reduce(
    (sum, wave) => sum + (wave === late ? remainingByProgressMs(wave, now) : remainingMsOf(wave, predict, now)),
    0,
  );
  return { remainingMs, basis: late ? `what is done of wave ${late.index + 1}` : `the pace of ${nameOf(samples)}` };
}

function elapsedMsOf({ startedAt }: WaveView, now: number): number {
  return startedAt === undefined ? 0 : Math.max(0, now - startedAt);
}

/** It takes longer than foreseen. */
function isLate(wave: WaveView, predictedMs: number, now: number): boolean {
  return wave.startedAt !== undefined && elapsedMsOf(wave, now) >= predictedMs;
}

function remainingMsOf(wave: WaveView, predict: (size: number) => number, now: number): number {
  return Math.max(0, predict(wave.size) - elapsedMsOf(wave, now));
}

function remainingByProgressMs(wave: WaveView, now: number): number {
  const done = doneOf(wave);
  return (elapsedMsOf(wave, now) / done) * (wave.size - done);
}

/** Waves run one after the other: those that are over are a range. */
function nameOf(samples: readonly Sample[]): string {
  const first = (samples[0]?.index ?? 0) + 1;
  const last = (samples.at(-1)?.index ?? 0) + 1;
  return first === last ? `wave ${first}` : `waves ${first} to ${last}`;
}

interface Sample {
  readonly index: number;
  readonly size: number;
  readonly durationMs: number;
}

/** Least squares, with neither part below zero. */
function fitLine(samples: readonly Sample[]): (size: number) => number {
  const meanSize = mean(samples.map((sample) => sample.size));
  const meanMs = mean(samples.map((sample) => sample.durationMs));
  const spread = mean(samples.map(({ size }) => (size - meanSize) ** 2));
  const together = mean(samples.map(({ size, durationMs }) => (size - meanSize) * (durationMs - meanMs)));
  const perSentinelMs = spread === 0 ? 0 : Math.min(Math.max(0, together / spread), meanMs / meanSize);
  const perWaveMs = meanMs - perSentinelMs * meanSize;
  return (size) => perWaveMs + perSentinelMs * size;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
