/** Nobody is made to wait longer than a message is kept. */
const LONGEST_MS = 60 * 60 * 1_000;

/**
 * The pause that a Retry-After header asks for, in milliseconds: it has whole
 * seconds or a date. Undefined: there is none, or it says neither.
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? "";
  const pauseMs = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isNaN(pauseMs) ? undefined : Math.min(Math.max(0, pauseMs), LONGEST_MS);
}

export interface BackOff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Pause after the `tries`th try in a row that failed: doubling up to the longest, a quarter of it random. */
export function backOffMs(tries: number, { firstMs, longestMs }: BackOff, random = Math.random): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(tries - 1, 20)) * (0.75 + 0.25 * random());
}
