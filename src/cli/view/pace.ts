/** How many outcomes came in each of the last seconds that had any; bounded. */
export type Pace = readonly { readonly second: number; readonly count: number }[];

export const emptyPace: Pace = [];

const WINDOW_SECONDS = 10;

/** Counts more outcomes at an instant (milliseconds); events come in order. */
export function recordOutcomes(pace: Pace, at: number | undefined, count: number): Pace {
  if (at === undefined || count === 0) return pace;
  const second = Math.floor(at / 1000);
  const last = pace.at(-1);
  if (last?.second === second) return [...pace.slice(0, -1), { second, count: last.count + count }];
  return [...pace.filter((bucket) => bucket.second > second - WINDOW_SECONDS), { second, count }];
}

/** Outcomes per second, over the last ten seconds or since the first outcome; undefined where there was none. */
export function ratePerSecond(pace: Pace, now: number): number | undefined {
  const second = Math.floor(now / 1000);
  const recent = pace.filter((bucket) => bucket.second > second - WINDOW_SECONDS);
  const first = recent[0];
  if (first === undefined) return undefined;
  const count = recent.reduce((sum, bucket) => sum + bucket.count, 0);
  return count / Math.max(1, second - first.second + 1);
}
