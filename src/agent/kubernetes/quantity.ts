// Kubernetes writes amounts as quantities: `500m`, `0.5`, `1Gi`. What hydra writes
// is in the one form that the API server itself answers with, so that what is
// so already does not look like a change.

const FACTORS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

const QUANTITY = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/;

/** `1500` millicores are `1500m`, `2000` are `2`. */
export function cpuQuantity(millicores: number): string {
  return millicores % 1_000 === 0 ? String(millicores / 1_000) : `${millicores}m`;
}

/** `1536` MiB are `1536Mi`, `2048` are `2Gi`. */
export function memoryQuantity(mib: number): string {
  let amount = mib;
  let unit = 0;
  const units = ["Mi", "Gi", "Ti", "Pi"];
  while (amount % 1_024 === 0 && unit < units.length - 1) {
    amount /= 1_024;
    unit += 1;
  }
  return `${amount}${units[unit]}`;
}

/** Two ways to write the same amount are the same; no amount is like none other. */
export function sameQuantity(one: string | undefined, other: string): boolean {
  return one !== undefined && (one === other || parseQuantity(one) === parseQuantity(other));
}

/** In the unit's own measure: cores, bytes. NaN: this is no quantity. */
export function parseQuantity(quantity: string): number {
  const [, amount = "", suffix = ""] = QUANTITY.exec(quantity) ?? [];
  return amount === "" ? Number.NaN : Number(amount) * (FACTORS[suffix] ?? Number.NaN);
}
