import { type Code, type ConnectError, createContextKey } from "@connectrpc/connect";
import type { Caller } from "./access/index.ts";

/** What the log names a request that has no better name. */
const UNNAMED = "http";

/**
 * One HTTP request, from its head to the end of its answer. Made by the front,
 * known to everything behind it, told of in one log line.
 */
export class Call {
  readonly requestId: string;
  readonly startedAt = performance.now();
  /** Name for the log: `hydra.v1.SentinelService/Deploy`, `restate/attach`, … Never has a key or an id of the caller's. */
  name = UNNAMED;
  /** Set once the caller has been let in. */
  caller: Caller | undefined;
  /** Why its caller would not be let in any more; undefined: it would, or has not been. */
  refusalNow: () => ConnectError | undefined = () => undefined;
  /** Why it has not been let in. */
  refusal: ConnectError | undefined;
  /** Streams end at once when the server stops; other calls get the grace time. */
  streams = false;
  /** May take long, and is no more than waiting: it ends when its caller would not be let in any more. */
  lasts = false;
  /** Worth a line at level info. */
  notable = false;
  invocationId: string | undefined;
  /** How it ended, where that is not to be read from the HTTP status. */
  code: Code | undefined;
  readonly #abort = new AbortController();

  constructor(requestId: string) {
    this.requestId = requestId;
  }

  /** Aborted when the client has gone or the server cuts the call. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Ends the waiting for it. The first reason counts. */
  abort(reason: Error): void {
    this.#abort.abort(reason);
  }
}

/** The request behind an RPC; unset on calls that come through memory. */
export const callKey = createContextKey<Call | undefined>(undefined, { description: "request behind the call" });
