import { doneOf, type WaveView } from "./rollout-view.ts";

/**
 * How long the waves that are left will take, in milliseconds.
 *
 * A wave costs something by itself (the slowest sentinel) and something for
 * each of its sentinels. Both follow from the waves that are over: one tells
 * the first part only, two of different sizes tell both. Undefined until one is over.
 */
export function estimateRemainingMs(waves: readonly WaveView[], now: number): number | undefined {
  const samples = waves.flatMap((wave) =>
    wave.startedAt === undefined || wave.completedAt === undefined
      ? []
      : [{ size: wave.size, durationMs: wave.completedAt - wave.startedAt }],
  );
  if (samples.length === 0) return undefined;
  const predict = fitLine(samples);
  return waves
    .filter((wave) => wave.completedAt === undefined)
    .reduce((sum, wave) => sum + remainingOfWave(wave, predict(wave.size), now), 0);
}

function remainingOfWave(wave: WaveView, predictedMs: number, now: number): number {
  if (wave.startedAt === undefined) return predictedMs;
  const elapsedMs = Math.max(0, now - wave.startedAt);
  const done = doneOf(wave);
  // Longer than foreseen: go by what is done of it.
  const byProgressMs = done === 0 ? 0 : (elapsedMs / done) * (wave.size - done);
  return elapsedMs < predictedMs ? predictedMs - elapsedMs : byProgressMs;
}

interface Sample {
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
