import { Code, ConnectError } from "@connectrpc/connect";
import type { Logger } from "pino";
import type { Access, RequestHead } from "./access/index.ts";
import { Call } from "./call.ts";
import { endOf, logCall } from "./call-log.ts";
import { toConnectError } from "./connect-errors.ts";
import { answerCors } from "./cors.ts";
import { answerIngress, failureAnswer, type IngressDeps, ingressFailure } from "./ingress/index.ts";
import type { MetricsPage } from "./metrics/index.ts";
import { neededRole } from "./needed-role.ts";
import type { NodeRequest, NodeResponse } from "./one-port.ts";
import { pageAt } from "./pages.ts";
import type { Readiness } from "./readiness.ts";
import { REQUEST_ID, requestIdFrom } from "./request-id.ts";
import type { RpcFront } from "./rpc.ts";
import { type Answer, send } from "./send.ts";
import { toldError } from "./told-error.ts";
import { unknownMethodAnswer } from "./unknown-method.ts";

// Where every request over the port comes in, and is sent on by its path: to an
// RPC, a page, or the ingress.
//
//   F1. Access judges a request, by the role that its path takes, before anything
//       of it is acted upon; a refusal reaches an RPC client in its own protocol.
//   F2. A request is in `#calls` until its answer is out or its client gone, and
//       then told of in one log line and counted once.
//   F3. A client that goes ends the waiting for a call, never an invocation.

export interface FrontDeps {
  readonly access: Access;
  readonly rpc: RpcFront;
  readonly ingress: IngressDeps;
  readonly readiness: Readiness;
  readonly metrics: MetricsPage;
  readonly version: string;
  readonly log: Logger;
}

/** Answers requests, and knows those in flight. */
export class Front {
  readonly #deps: FrontDeps;
  readonly #calls = new Set<Call>();
  #stopping: ConnectError | undefined;
  #whenIdle = () => {};

  constructor(deps: FrontDeps) {
    this.#deps = deps;
  }

  /** For the `request` event of a server. */
  handle(request: NodeRequest, response: NodeResponse): void {
    const call = this.#begin(request, response);
    this.#answer(request, response, call).catch((error: unknown) => {
      // The client went, in the middle of its body or its answer: there is nobody to tell.
      if (call.signal.aborted) return;
      const told = toldError(error, this.#deps.log, { method: call.name, requestId: call.requestId });
      if (response.headersSent) cut(response);
      else send(response, refusalAnswer(told));
    });
  }

  /** Refuses new calls with this error and ends streams with it. */
  endStreams(reason: ConnectError): void {
    this.#stopping = reason;
    for (const call of this.#calls) if (call.streams) call.abort(reason);
  }

  /** Ends what lasts of callers that would not be let in any more. */
  endCallsOfRefused(): void {
    for (const call of this.#calls) {
      const refusal = call.lasts ? call.refusalNow() : undefined;
      if (refusal) call.abort(refusal);
    }
  }

  /** Ends the waiting of every call with this error. */
  endCalls(reason: ConnectError): void {
    for (const call of this.#calls) call.abort(reason);
  }

  /** Resolves once no call is in flight. */
  idle(): Promise<void> {
    if (this.#calls.size === 0) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#whenIdle = resolve;
    return promise;
  }

  #begin(request: NodeRequest, response: NodeResponse): Call {
    const call = new Call(requestIdFrom(singleHeader(request, REQUEST_ID)));
    let finished = false;
    this.#calls.add(call);
    response.setHeader(REQUEST_ID, call.requestId);
    response.once("finish", () => {
      finished = true;
      // What is left of a body that was refused half-way.
      request.resume();
    });
    response.once("close", () => {
      if (!finished) call.abort(new ConnectError("the client has gone", Code.Canceled));
      this.#note(call, endOf(call, response.statusCode, finished));
      this.#calls.delete(call);
      if (this.#calls.size === 0) this.#whenIdle();
    });
    return call;
  }

  #note(call: Call, end: string): void {
    const durationMs = performance.now() - call.startedAt;
    logCall(this.#deps.log, call, end, durationMs);
    this.#deps.metrics.requests.ended(call.name, end, durationMs);
  }

  async #answer(request: NodeRequest, response: NodeResponse, call: Call): Promise<void> {
    const { access, rpc, ingress } = this.#deps;
    const [path, query] = splitOnce(request.url ?? "", "?");
    this.#admit(request, path, call);
    if (answerCors(request, response, access)) return;
    if (rpc.serves(path)) {
      call.refusal ??= this.#stopping;
      return rpc.answer(path, request, response, call);
    }
    const answer =
      (call.refusal && refusalAnswer(call.refusal)) ??
      (await pageAt(path, this.#deps)) ??
      (this.#stopping && refusalAnswer(this.#stopping)) ??
      unknownMethodAnswer(path, request, ingress.services) ??
      (await answerIngress({ path, query, request, call }, ingress));
    send(response, answer);
  }

  #admit(request: NodeRequest, path: string, call: Call): void {
    const { access, rpc, ingress } = this.#deps;
    try {
      const caller = access.admit(headOf(request), neededRole(path, rpc, ingress.services));
      call.caller = caller;
      call.refusalNow = () => access.refusalNow(caller);
    } catch (error) {
      call.refusal = toConnectError(error);
    }
  }
}

function headOf(request: NodeRequest): RequestHead {
  return {
    method: request.method ?? "",
    authority: "authority" in request && request.authority ? request.authority : request.headers.host,
    origin: singleHeader(request, "origin"),
    authorization: request.headers.authorization,
  };
}

function singleHeader(request: NodeRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

function refusalAnswer(error: ConnectError): Answer {
  const answer = failureAnswer(ingressFailure(error, "ingress"));
  return { ...answer, headers: { ...answer.headers, ...Object.fromEntries(error.metadata) } };
}

function cut(response: NodeResponse): void {
  if ("stream" in response) response.stream.destroy();
  else response.destroy();
}
