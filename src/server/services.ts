import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import { bridge } from "./bridge.ts";
import { type DurableService, durableServicesFrom } from "./durable-method.ts";
import type { Invocations } from "./invocations.ts";
import { registerReflection } from "./reflection/index.ts";

/** A service with the methods that are not handlers of the engine. */
export interface ServedService {
  readonly desc: DescService;
  readonly methods: object;
}

/** Binds a service to its methods, their types checked. */
export function served<Service extends DescService>(
  desc: Service,
  methods: Partial<ServiceImpl<Service>>,
): ServedService {
  return { desc, methods };
}

/** Everything that is served as Connect, gRPC and gRPC-Web. */
export class Services {
  /** The virtual objects, by name. */
  readonly durable: ReadonlyMap<string, DurableService>;
  readonly #list: readonly ServedService[];

  constructor(list: readonly ServedService[]) {
    this.#list = list;
    this.durable = durableServicesFrom(this.descriptors);
  }

  has(name: string): boolean {
    return this.#list.some((service) => service.desc.typeName === name);
  }

  get descriptors(): readonly DescService[] {
    return this.#list.map((service) => service.desc);
  }

  /** Puts every service on a router, reflection of all of them included. */
  register(router: ConnectRouter, invocations: Invocations): void {
    for (const { desc, methods } of this.#list) {
      const durable = this.durable.get(desc.typeName);
      const handlers = durable && bridge(durable, invocations);
      const implementation: object = { ...methods, ...handlers };
      router.service(desc, implementation);
    }
    registerReflection(router, this.descriptors);
  }
}
