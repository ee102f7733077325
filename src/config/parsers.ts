// What the texts of settings and options mean. Each parser throws an Error that says what is accepted.

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** The longest wait that hydra accepts: a year. */
const MAX_DURATION_MS = 365 * 24 * UNITS_MS.h;

/**
 * Reads `200ms`, `5s`, `10m`, `24h`; a bare number is milliseconds.
 *
 * @throws Error saying what is accepted.
 */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)?$/.exec(text.trim());
  const durationMs = match ? Math.round(Number(match[1]) * UNITS_MS[(match[2] ?? "ms") as keyof typeof UNITS_MS]) : NaN;
  if (!(durationMs <= MAX_DURATION_MS)) {
    throw new Error("must be a duration such as 200ms, 5s, 10m or 24h, a year at most; a bare number is milliseconds");
  }
  return durationMs;
}

/**
 * Reads a duration above zero.
 *
 * @throws Error saying what is accepted.
 */
export function parsePositiveDurationMs(text: string): number {
  const durationMs = parseDurationMs(text);
  if (durationMs === 0) throw new Error("must be a duration above 0, for example 10s");
  return durationMs;
}

/**
 * Reads a TCP port, 0 included.
 *
 * @throws Error saying what is accepted.
 */
export function parsePort(text: string): number {
  return integerParser(0, 65_535)(text);
}

export function integerParser(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) throw new Error(`must be a whole number from ${min} to ${max}`);
    return value;
  };
}

export function choiceParser<const Choice extends string>(...choices: Choice[]): (text: string) => Choice {
  return (text) => {
    const choice = choices.find((candidate) => candidate === text.toLowerCase());
    if (choice === undefined) throw new Error(`must be one of ${choices.join(", ")}`);
    return choice;
  };
}

/** Reads `true` or `false`. */
export function parseBoolean(text: string): boolean {
  return choiceParser("true", "false")(text) === "true";
}

export function parseText(text: string): string {
  return text;
}

export function parseList(text: string): readonly string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

export function parseHttpUrl(text: string): string {
  const url = URL.parse(text);
  if (!url || !["http:", "https:"].includes(url.protocol))
    throw new Error("must be a URL that starts with http:// or https://");
  return text.replace(/\/+$/, "");
}

export function parsePostgresUrl(text: string): string {
  if (!/^postgres(ql)?:\/\//.test(text)) throw new Error("must start with postgres:// or postgresql://");
  return text;
}

export function parseSecretKey(text: string): string {
  if (text.length < 16) throw new Error("must have 16 characters or more");
  return text;
}

export function parseToken(text: string): string {
  if (!/^[\x21-\x7e]{32,512}$/.test(text)) {
    throw new Error("must have 32 characters or more, without blanks, for example of: openssl rand -hex 32");
  }
  return text;
}
