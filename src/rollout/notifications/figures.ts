const count = new Intl.NumberFormat("en");

/** `1,234` */
export function number(value: number): string {
  return count.format(value);
}

/** `1 sentinel`, `1,234 sentinels` */
export function sentinels(value: number): string {
  return `${number(value)} ${value === 1 ? "sentinel" : "sentinels"}`;
}

/** Rounded down, so that 100 % is said of all only. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? "0 %" : `${Math.floor((part / whole) * 100)} %`;
}

const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
] as const;

/** The two largest units: `under 1 s`, `12 s`, `2 min 5 s`, `1 h`, `3 d 4 h`. */
export function duration(ms: number): string {
  let seconds = Math.floor(Math.max(0, ms) / 1_000);
  if (seconds === 0) return "under 1 s";
  const first = UNITS.findIndex(([, length]) => seconds >= length);
  return UNITS.slice(first, first + 2)
    .flatMap(([unit, length]) => {
      const units = Math.floor(seconds / length);
      seconds %= length;
      return units === 0 ? [] : [`${units} ${unit}`];
    })
    .join(" ");
}
