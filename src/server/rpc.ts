import { getOption } from "@bufbuild/protobuf";
import {
  type ConnectRouterOptions,
  type ConnectRouter,
  createConnectRouter,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import { compressionBrotli, compressionGzip, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import type { Logger } from "pino";
import { handler as handlerOption, HandlerKind, type Role } from "../gen/hydra/v1/options_pb.ts";
import { boundToRegion, roleOf } from "./access/index.ts";
import { type Call, callKey } from "./call.ts";
import { codeOfAbort } from "./call-log.ts";
import { abortableStreams, errorInterceptor, stillLetIn } from "./interceptors.ts";
import { gathered } from "./gathered.ts";
import { jsonText } from "./json-text.ts";
import type { NodeRequest, NodeResponse } from "./one-port.ts";
import { type Answer, send } from "./send.ts";
import { universalRequestFrom } from "./universal-request.ts";

/** Node's timers fire at once where they are asked to wait longer. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * What every router of the server is made with. Options go on the router only:
 * those given with a single service would turn protocols back on.
 */
export function routerOptions(log: Logger, maxBodyBytes: number): ConnectRouterOptions {
  const jsonOptions = { ignoreUnknownFields: false, textDecoder: jsonText };
  return {
    acceptCompression: [compressionGzip, compressionBrotli],
    readMaxBytes: maxBodyBytes,
    maxTimeoutMs: MAX_TIMEOUT_MS,
    jsonOptions,
    interceptors: [errorInterceptor(log), abortableStreams, stillLetIn, boundToRegion],
  };
}

/** Connect says nothing with these. */
const WHY_NOT: Readonly<Record<number, string>> = {
  405: "this method is not accepted here: use POST, or GET for a query on Connect",
  415: "this content-type is not accepted here: use application/json, or one of application/proto, application/connect+…, application/grpc, application/grpc-web",
  505: "this stream goes both ways and needs HTTP/2",
};

/** Answers the paths of Connect, gRPC and gRPC-Web. */
export class RpcFront {
  readonly #handlers: ReadonlyMap<string, UniversalHandler>;
  /** Paths of methods that leave an invocation behind. */
  readonly #durable: ReadonlySet<string>;
  readonly #roles: ReadonlyMap<string, Role>;

  constructor(options: ConnectRouterOptions, routes: (router: ConnectRouter) => void) {
    const router = createConnectRouter({ ...options, requestGate: gate });
    routes(router);
    this.#handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
    this.#roles = new Map(router.handlers.map(({ requestPath, method }) => [requestPath, roleOf(method)]));
    this.#durable = new Set(router.handlers.filter(isDurable).map((handler) => handler.requestPath));
  }

  /** All that is served. */
  get methods(): readonly { readonly name: string; readonly streams: boolean }[] {
    return [...this.#handlers].map(([path, { method }]) => ({ name: path.slice(1), streams: answersInStream(method) }));
  }

  serves(path: string): boolean {
    return this.#handlers.has(path);
  }

  /** The role that the method at a path takes. Undefined: none is served there. */
  roleAt(path: string): Role | undefined {
    return this.#roles.get(path);
  }

  /** Answers a request whose path is served. Rejects where the client goes in the middle of it. */
  async answer(path: string, request: NodeRequest, response: NodeResponse, call: Call): Promise<void> {
    const handler = this.#handlers.get(path);
    if (!handler) throw new Error(`no RPC at ${path}`);
    const { method } = handler;
    call.name = path.slice(1);
    call.streams = answersInStream(method);
    call.lasts = call.streams || method.methodKind === "client_streaming" || this.#durable.has(path);
    // What was not let in is told of elsewhere, and less often.
    call.notable = this.#durable.has(path) && call.caller !== undefined;
    const values = createContextValues().set(callKey, call);
    const answer = await handler(universalRequestFrom(request, call.signal, values));
    const sentence = answer.body ? undefined : WHY_NOT[answer.status];
    if (sentence === undefined) {
      const inOne = call.streams && answer.body ? { ...answer, body: gathered(answer.body) } : answer;
      await universalResponseToNodeResponse(inOne, response);
    } else send(response, whyNotAnswer(answer.status, sentence));
  }
}

function answersInStream({ methodKind }: UniversalHandler["method"]): boolean {
  return methodKind === "server_streaming" || methodKind === "bidi_streaming";
}

function isDurable({ method }: UniversalHandler): boolean {
  const kind = getOption(method, handlerOption);
  return kind === HandlerKind.EXCLUSIVE || kind === HandlerKind.SHARED;
}

/** Runs once a request's head is there and before its body is read. */
function gate({ values, signal }: HandlerContext): void {
  const call = values.get(callKey);
  if (!call) return;
  signal.addEventListener("abort", () => (call.code = codeOfAbort(signal.reason)), { once: true });
  if (call.refusal) throw call.refusal;
}

function whyNotAnswer(status: number, message: string): Answer {
  const body = JSON.stringify({ code: "unimplemented", message });
  // A client that streams both ways over HTTP/1.1 would wait for ever. HTTP/2 knows no such header.
  const close = status === 505 ? { connection: "close" } : {};
  return { status, headers: { "content-type": "application/json", ...close }, body };
}
