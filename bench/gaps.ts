/** The longest time between two things that happen. */
export class Gaps {
  #last = performance.now();
  #longest = 0;

  note(): void {
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
  }

  /** Its longest gap, in ms, while `work` goes on; the ends count as something that happened. */
  async during(work: () => Promise<unknown>): Promise<number> {
    this.note();
    this.#longest = 0;
    await work();
    this.note();
    return this.#longest;
  }
}
