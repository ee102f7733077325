// What a soak has seen and done: findings first of all, and the numbers of its summary.

/** How long it took until the rollout under way went on, by what had happened. */
export interface Recovery {
  readonly kind: string;
  readonly ms: number;
}

export class SoakJournal {
  /** What must not be. */
  readonly findings: string[] = [];
  readonly recoveries: Recovery[] = [];
  readonly #counts = new Map<string, number>();
  readonly #startedAt = performance.now();

  readonly say: (line: string) => void;

  constructor(say: (line: string) => void) {
    this.say = say;
  }

  /** Seconds since the start, for a person. */
  get at(): string {
    return `${((performance.now() - this.#startedAt) / 1_000).toFixed(1)} s`;
  }

  find(finding: string): void {
    // The same breach is seen by every look at the tables: the first ones tell enough.
    if (this.findings.includes(finding)) return;
    this.findings.push(finding);
    this.say(`${this.at}: FINDING ${finding}`);
  }

  count(what: string, by = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + by);
  }

  counted(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  /** Counts whose name begins so, without that beginning. */
  countsOf(prefix: string): Record<string, number> {
    const found = [...this.#counts].filter(([name]) => name.startsWith(prefix));
    return Object.fromEntries(found.map(([name, count]) => [name.slice(prefix.length), count]));
  }
}
