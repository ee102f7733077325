import type { AnyHandler } from "./definition.ts";

/** The handlers of an engine, by service and name. */
export class Registry {
  readonly all: readonly AnyHandler[];
  readonly #byName = new Map<string, AnyHandler>();

  constructor(handlers: readonly AnyHandler[]) {
    this.all = [...handlers];
    for (const handler of handlers) {
      const name = `${handler.service}/${handler.name}`;
      if (this.#byName.has(name)) throw new Error(`handler ${name} is registered twice`);
      this.#byName.set(name, handler);
    }
  }

  find(service: string, name: string): AnyHandler | undefined {
    return this.#byName.get(`${service}/${name}`);
  }
}
