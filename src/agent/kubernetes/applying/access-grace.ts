/** Denials further apart than this have nothing to do with each other. */
const APART_MS = 60_000;

/**
 * How long the cluster's access control has been denying what is to be done for
 * each sentinel. For a moment after its start an API server denies everything: it
 * has not read yet who may do what. So a denial is believed once it has lasted.
 */
export class AccessGrace {
  readonly #graceMs: number;
  readonly #denials = new Map<string, { readonly sinceMs: number; readonly lastMs: number }>();

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  granted(sentinelId: string): void {
    this.#denials.delete(sentinelId);
  }

  /** Access was denied at this moment; answers whether that is to be believed. */
  isDeniedForGood(sentinelId: string, nowMs: number): boolean {
    const before = this.#denials.get(sentinelId);
    const sinceMs = before === undefined || nowMs - before.lastMs > APART_MS ? nowMs : before.sinceMs;
    this.#denials.set(sentinelId, { sinceMs, lastMs: nowMs });
    return nowMs - sinceMs >= this.#graceMs;
  }
}
