import type { Attempt } from "./attempt.ts";

/** State of the object that an attempt runs for: read once, then as the attempt wrote it. */
export class ObjectState {
  readonly #attempt: Attempt;
  readonly #known = new Map<string, string | undefined>();

  constructor(attempt: Attempt) {
    this.#attempt = attempt;
  }

  /** JSON text; undefined where it was never set, or cleared. */
  async read(name: string): Promise<string | undefined> {
    if (!this.#known.has(name)) {
      const { invocation, host } = this.#attempt;
      const text = await host.readState(invocation.service, invocation.key, name);
      // A write that came meanwhile is newer.
      if (!this.#known.has(name)) this.#known.set(name, text);
    }
    return this.#known.get(name);
  }

  write(name: string, text: string | undefined): void {
    this.#known.set(name, text);
  }
}
