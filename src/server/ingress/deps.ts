import type { Transport } from "@connectrpc/connect";
import type { Logger } from "pino";
import type { Engine } from "../../engine/index.ts";
import type { Invocations } from "../invocations.ts";
import type { Services } from "../services.ts";

/** What the ingress works with. */
export interface IngressDeps {
  readonly engine: Engine;
  readonly services: Services;
  readonly invocations: Invocations;
  /** Answers the queries of virtual objects. */
  readonly transport: Transport;
  readonly log: Logger;
  readonly maxBodyBytes: number;
  /** How long the engine keeps completed invocations. */
  readonly retentionMs: number;
}
