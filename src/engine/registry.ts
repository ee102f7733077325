import type { AnyHandler, HandlerDefinition } from "./definition.ts";
import type { Retention } from "./store/retention.ts";

/** What holds for the handlers of a service that do not say otherwise. */
export type ServiceSettings = Pick<HandlerDefinition<unknown, unknown>, "retry" | "retentionMs">;

/** The handlers of an engine, by service and name. */
export class Registry {
  readonly all: readonly AnyHandler[];
  readonly #byName = new Map<string, AnyHandler>();

  constructor(handlers: readonly AnyHandler[], services: Readonly<Record<string, ServiceSettings>>) {
    this.all = handlers.map((handler) => withSettings(handler, services[handler.service]));
    for (const handler of this.all) {
      const name = `${handler.service}/${handler.name}`;
      if (this.#byName.has(name)) throw new Error(`handler ${name} is registered twice`);
      this.#byName.set(name, handler);
    }
  }

  /** `defaultMs`: of those that do not say. */
  retention(defaultMs: number): Retention {
    const byHandler = this.all.map(({ service, name, retentionMs }) => [
      `${service}/${name}`,
      retentionMs ?? defaultMs,
    ]);
    return { defaultMs, byHandler: new Map(byHandler as [string, number][]) };
  }

  find(service: string, name: string): AnyHandler | undefined {
    return this.#byName.get(`${service}/${name}`);
  }
}

function withSettings(handler: AnyHandler, settings: ServiceSettings | undefined): AnyHandler {
  return settings ? { ...settings, ...handler, retry: { ...settings.retry, ...handler.retry } } : handler;
}
