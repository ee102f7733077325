import type { Call } from "../call.ts";
import type { NodeRequest } from "../one-port.ts";
import type { Answer } from "../send.ts";
import { failureAnswer, jsonAnswer } from "./answer.ts";
import { attach, lookup, output, targetInBody } from "./ask-invocation.ts";
import { completeAwakeable } from "./awakeable.ts";
import { callHandler, methodNotAllowed, unknownService } from "./call-handler.ts";
import type { IngressDeps } from "./deps.ts";
import { failureFrom, IngressFailure } from "./failure.ts";
import { type InvocationTarget, type Route, routeOf } from "./route.ts";

// Handlers over plain HTTP and JSON, on the paths and with the answers of the
// server that operators' scripts were written for.

const ASK = { attach, output, lookup };

/** A request to the ingress. */
export interface IngressRequest {
  /** As it came: encoded, without its query. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  readonly request: NodeRequest;
  readonly call: Call;
}

/** Answers a request. Never rejects. */
export async function answerIngress(asked: IngressRequest, deps: IngressDeps): Promise<Answer> {
  try {
    return await follow(routeOf(asked.path), asked, deps);
  } catch (error) {
    return failureAnswer(failureFrom(error, "ingress", asked.call, deps.log));
  }
}

async function follow(route: Route, asked: IngressRequest, deps: IngressDeps): Promise<Answer> {
  const { request, call } = asked;
  switch (route.kind) {
    case "call":
    case "send":
      return callHandler({ ...asked, route }, deps);
    case "unkeyed":
      throw unkeyed(route.service, deps);
    case "attach":
    case "output":
      allow(request, "GET");
      return ask(route.kind, route.target, call, deps);
    case "named_in_body":
      allow(request, "POST");
      return ask(route.verb, await targetInBody(asked, deps.maxBodyBytes), call, deps);
    case "awakeable":
      allow(request, "POST");
      call.name = `restate/awakeables/${route.verb}`;
      call.notable = true;
      return completeAwakeable(route, asked, deps);
    case "health":
      allow(request, "GET");
      return jsonAnswer(200, { services: [...deps.services.durable.keys()] });
  }
}

function ask(verb: keyof typeof ASK, target: InvocationTarget, call: Call, deps: IngressDeps): Promise<Answer> {
  call.name = `restate/${verb}`;
  return ASK[verb](target, call, deps);
}

function unkeyed(service: string, deps: IngressDeps): IngressFailure {
  if (!deps.services.durable.has(service)) return unknownService(service);
  return new IngressFailure(
    400,
    "bad path, expected either /:service-name/:handler or /:object-name/:object-key/:handler",
  );
}

function allow(request: NodeRequest, method: "GET" | "POST"): void {
  if (request.method !== method) throw methodNotAllowed();
}
