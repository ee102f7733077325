import { IngressFailure } from "./failure.ts";

const UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};
const UNIT_NAMES: Record<string, string> = {
  ms: "ms|msec|msecs|millis|milli|millisecond|milliseconds",
  s: "s|sec|secs|second|seconds",
  m: "m|min|mins|minute|minutes",
  h: "h|hr|hrs|hour|hours",
  d: "d|day|days",
  w: "w|wk|wks|week|weeks",
};
const UNIT_OF_NAME = new Map(
  Object.entries(UNIT_NAMES).flatMap(([unit, names]) => names.split("|").map((name) => [name, unit] as const)),
);

const ISO = /^P(?=[\dT])(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i;
const FRIENDLY = /^(?:\s*\d+(?:\.\d+)?\s*[a-z]+[\s,]*)+$/i;
const PART = /(\d+(?:\.\d+)?)\s*([a-z]+)/gi;

/** A year. */
const MAX_DELAY_MS = 366 * 86_400_000;

/**
 * Reads the query parameter `delay`, whose name may be written in any case: an
 * ISO 8601 duration (`PT1.5S`) or its friendly form (`10s`, `1 second`,
 * `1h 30m`). Undefined: it is not there. In milliseconds.
 */
export function delayFrom(query: string): number | undefined {
  const given = [...new URLSearchParams(query)].find(([name]) => name.toLowerCase() === "delay")?.[1];
  if (given === undefined) return undefined;
  const delayMs = parseIso(given) ?? parseFriendly(given);
  if (delayMs === undefined) {
    throw badDelay(`${JSON.stringify(given.slice(0, 50))} is none, write it like 10s, 1500ms, 1 hour or PT1S`);
  }
  if (delayMs > MAX_DELAY_MS) throw badDelay("at most 366 days are accepted");
  return Math.round(delayMs);
}

function parseIso(text: string): number | undefined {
  const parts = ISO.exec(text)?.slice(1);
  if (!parts) return undefined;
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = parts.map((part) => Number(part ?? 0));
  return weeks * ms("w") + days * ms("d") + hours * ms("h") + minutes * ms("m") + seconds * ms("s");
}

function parseFriendly(text: string): number | undefined {
  if (text.length > 100 || !FRIENDLY.test(text)) return undefined;
  let total = 0;
  for (const [, number, name = ""] of text.matchAll(PART)) {
    const unit = UNIT_OF_NAME.get(name.toLowerCase());
    if (unit === undefined) return undefined;
    total += Number(number) * ms(unit);
  }
  return total;
}

function ms(unit: string): number {
  return UNIT_MS[unit] ?? Number.NaN;
}

function badDelay(why: string): IngressFailure {
  return new IngressFailure(400, `bad delay query parameter, must be a ISO8601 duration: ${why}`);
}
