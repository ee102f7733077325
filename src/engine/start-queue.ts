/** First in, first out, of two priorities: 0 goes before 1. Adding and taking cost the same however long it is. */
export class StartQueue<T> {
  readonly #lists: [T[], T[]] = [[], []];
  readonly #heads: [number, number] = [0, 0];

  get size(): number {
    return this.#lists[0].length - this.#heads[0] + this.#lists[1].length - this.#heads[1];
  }

  add(item: T, priority: number): void {
    this.#lists[priority === 0 ? 0 : 1].push(item);
  }

  take(): T | undefined {
    return this.#takeFrom(0) ?? this.#takeFrom(1);
  }

  /** Takes all but the first `keep` away, and answers with them in their order. */
  cut(keep: number): T[] {
    const [first, second] = this.#lists.map((list, which) => list.slice(this.#heads[which])) as [T[], T[]];
    const all = [...first, ...second];
    this.#lists[0] = first.slice(0, keep);
    this.#lists[1] = second.slice(0, Math.max(0, keep - first.length));
    this.#heads.fill(0);
    return all.slice(keep);
  }

  clear(): void {
    for (const which of [0, 1] as const) {
      this.#lists[which] = [];
      this.#heads[which] = 0;
    }
  }

  #takeFrom(which: 0 | 1): T | undefined {
    const list = this.#lists[which];
    const head = this.#heads[which];
    if (head >= list.length) return undefined;
    const item = list[head];
    this.#heads[which]++;
    // Moving the rest only once half of it is gone keeps a take cheap.
    if (this.#heads[which] * 2 > list.length) {
      this.#lists[which] = list.slice(this.#heads[which]);
      this.#heads[which] = 0;
    }
    return item;
  }
}
