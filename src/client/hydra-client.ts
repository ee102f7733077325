import { randomUUID } from "node:crypto";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import {
  type CallOptions,
  type Client,
  Code,
  ConnectError,
  createClient,
  type Interceptor,
  type Transport,
} from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { ClusterService } from "../gen/hydra/v1/cluster_pb.ts";
import { EngineService } from "../gen/hydra/v1/engine_pb.ts";
import { SentinelService } from "../gen/hydra/v1/sentinel_pb.ts";
import { SentinelRolloutService } from "../gen/hydra/v1/sentinel_rollout_pb.ts";
import { TokenService } from "../gen/hydra/v1/token_pb.ts";
import { trustedBesides } from "./authority.ts";
import type { TokenSource } from "./token-file.ts";

export interface HydraClientOptions {
  /** Where the server is. Default: `http://127.0.0.1:8080`. */
  baseUrl?: string;
  /** Sent as `Authorization: Bearer`; a function is asked before each call, see `tokenFromFile`. Default: none. */
  token?: TokenSource;
  /** Certificates (PEM) of authorities to trust besides those of Node and the system. Default: none. */
  authority?: string;
  /**
   * Wire protocol. Default: `connect`, over HTTP/1.1. The other two use HTTP/2, on which an idle connection that a server
   * closes may raise an uncaught error (connectrpc/connect-es#1768).
   */
  protocol?: "connect" | "grpc" | "grpc-web";
  /** Run inside the idempotency key's interceptor: one that repeats a call repeats it with the same key. */
  interceptors?: readonly Interceptor[];
}

/** Typed clients of every service of hydra; they share one transport. */
export interface HydraClient {
  readonly rollouts: Client<typeof SentinelRolloutService>;
  readonly sentinels: Client<typeof SentinelService>;
  readonly engine: Client<typeof EngineService>;
  readonly cluster: Client<typeof ClusterService>;
  readonly tokens: Client<typeof TokenService>;
}

/** Header under which a repeat of a call gets the first one's answer. */
export const IDEMPOTENCY_KEY_HEADER = "idempotency-key";

/**
 * Typed clients of a hydra server.
 *
 * Every mutating call carries an idempotency key, made once per call; set the
 * header yourself to make a call of yours repeatable across processes. A stream
 * begins with the loop that reads it, and ends when that is left.
 *
 * ```ts
 * const hydra = createHydraClient({ baseUrl: "http://127.0.0.1:8080" });
 * const { state } = await hydra.rollouts.rollout({ image: "ghcr.io/acme/sentinel:v1.2.3" });
 * console.log(state === SentinelRolloutState.COMPLETED ? "completed" : "look at it");
 * ```
 */
export function createHydraClient(options: HydraClientOptions = {}): HydraClient {
  const transport = createTransport(options);
  return hydraClientOf(transport);
}

/** The same clients over a transport of your own; it adds neither token nor idempotency key. */
export function hydraClientOf(transport: Transport): HydraClient {
  const rollouts = createClient(SentinelRolloutService, transport);
  const cluster = createClient(ClusterService, transport);
  return {
    rollouts: { ...rollouts, watch: endedWithItsLoop(rollouts.watch) },
    sentinels: createClient(SentinelService, transport),
    engine: createClient(EngineService, transport),
    tokens: createClient(TokenService, transport),
    cluster: { ...cluster, watchDesiredState: endedWithItsLoop(cluster.watchDesiredState) },
  };
}

/** Connect leaves a stream open when its reader stops: it would flow on, and keep the process alive. */
function endedWithItsLoop<Request, Response>(
  call: (request: Request, options?: CallOptions) => AsyncIterable<Response>,
): (request: Request, options?: CallOptions) => AsyncIterable<Response> {
  return async function* (request, options = {}) {
    const left = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal;
    try {
      yield* call(request, { ...options, signal });
    } finally {
      left.abort();
    }
  };
}

function createTransport(options: HydraClientOptions): Transport {
  const { baseUrl = "http://127.0.0.1:8080", token, authority, protocol = "connect", interceptors = [] } = options;
  const shared = {
    baseUrl,
    ...(authority === undefined ? {} : { nodeOptions: trustedBesides(authority) }),
    interceptors: [
      withIdempotencyKey,
      withLostConnections,
      ...(token === undefined ? [] : [withToken(token)]),
      ...interceptors,
    ],
  };
  switch (protocol) {
    case "connect":
      return createConnectTransport({ ...shared, httpVersion: "1.1" });
    case "grpc":
      return createGrpcTransport(shared);
    case "grpc-web":
      return createGrpcWebTransport({ ...shared, httpVersion: "2" });
  }
}

const withIdempotencyKey: Interceptor = (next) => (request) => {
  const repeatable = request.method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  const mutating = !repeatable && request.method.methodKind !== "server_streaming";
  if (mutating && !request.header.has(IDEMPOTENCY_KEY_HEADER)) {
    request.header.set(IDEMPOTENCY_KEY_HEADER, randomUUID());
  }
  return next(request);
};

/** Connect says `internal` of a connection that broke while the request was written; to a caller it is as lost as others. */
const withLostConnections: Interceptor = (next) => async (request) => {
  try {
    return await next(request);
  } catch (error) {
    const { code, rawMessage, cause } = ConnectError.from(error);
    if (code !== Code.Internal || (cause as NodeJS.ErrnoException | undefined)?.code !== "EPIPE") throw error;
    throw new ConnectError(rawMessage, Code.Unavailable, undefined, undefined, cause);
  }
};

function withToken(token: TokenSource): Interceptor {
  return (next) => async (request) => {
    request.header.set("authorization", `Bearer ${typeof token === "string" ? token : token()}`);
    return next(request);
  };
}
