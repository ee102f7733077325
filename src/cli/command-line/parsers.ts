import { InvalidArgumentError } from "@commander-js/extra-typings";

export function parsePercentages(text: string): number[] {
  const parts = text.split(",").map((part) => part.trim());
  if (!parts.every((part) => /^\d{1,3}$/.test(part))) {
    throw new InvalidArgumentError(
      "Give whole percentages with commas between, the last one 100, for example 10,50,100.",
    );
  }
  return parts.map(Number);
}

export function parseSequence(text: string): bigint {
  if (!/^\d{1,18}$/.test(text)) throw new InvalidArgumentError("Give the number of an event; 0 is the beginning.");
  return BigInt(text);
}

/** How many of something: a whole number from 1 on. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("Give a whole number, 1 or more.");
  return Number(text);
}

const UNIT_S = { m: 60, h: 3_600, d: 86_400 } as const;

/** `30m`, `12h` or `90d`, in seconds. */
export function parseLifetime(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,5})([mhd])$/.exec(text) ?? [];
  if (count === undefined) throw new InvalidArgumentError("Give minutes, hours or days, for example 30m, 12h or 90d.");
  return Number(count) * UNIT_S[unit as keyof typeof UNIT_S];
}

/** `30m`, `12h` or `90d` ago, or a date and time as JavaScript reads it. */
export function parseMoment(text: string): Date {
  if (/^\d+[mhd]$/.test(text)) return new Date(Date.now() - parseLifetime(text) * 1_000);
  const moment = new Date(text);
  if (/^\d{4}-/.test(text) && !Number.isNaN(moment.getTime())) return moment;
  throw new InvalidArgumentError("Give 30m, 12h or 2d for so long ago, or a time such as 2026-11-24T16:26:48Z.");
}

/** Index of a journal entry. */
export function parseEntry(text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new InvalidArgumentError("Give the number of an entry, as hydra invocations get shows it.");
  return Number(text);
}

/** A JSON text. */
export function parseJson(text: string): string {
  try {
    JSON.parse(text);
  } catch {
    throw new InvalidArgumentError(`Give JSON; a text needs its quotes: '"text"'.`);
  }
  return text;
}
