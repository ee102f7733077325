import { toJsonString } from "@bufbuild/protobuf";
import type { Accepted } from "../../engine/index.ts";
import type { Call } from "../call.ts";
import { type DurableMethod, type DurableService, isUnary, placeKey } from "../durable-method.ts";
import { IDEMPOTENCY_KEY, INVOCATION_ID } from "../invocations.ts";
import type { NodeRequest } from "../one-port.ts";
import { REQUEST_ID } from "../request-id.ts";
import type { Answer } from "../send.ts";
import { traceContextFrom } from "../trace-context.ts";
import { jsonAnswer, outputAnswer } from "./answer.ts";
import { checkContentType } from "./content-type.ts";
import { delayFrom } from "./delay.ts";
import type { IngressDeps } from "./deps.ts";
import { endingAnswer } from "./ending.ts";
import { failureFrom, IngressFailure } from "./failure.ts";
import { bodyOf, decodeInput } from "./input.ts";
import type { Route } from "./route.ts";

type ServiceRoute = Extract<Route, { kind: "call" | "send" }>;

/** A request to call a handler. */
export interface ServiceRequest {
  readonly route: ServiceRoute;
  /** Without the question mark. */
  readonly query: string;
  readonly request: NodeRequest;
  readonly call: Call;
}

/** Calls a handler and waits for it, or (`send`) leaves it to run. */
export async function callHandler(asked: ServiceRequest, deps: IngressDeps): Promise<Answer> {
  const { route, request, call } = asked;
  const service = deps.services.durable.get(route.service);
  if (!service) throw unknownService(route.service);
  const target = service.handlers.get(route.handler);
  if (!target) return callQuery(asked, service, deps);
  call.name = `${route.service}/${route.handler}${route.kind === "send" ? "/send" : ""}`;
  call.notable = true;
  call.lasts = true;
  if (request.method !== "POST") throw methodNotAllowed();
  const accepted = await store(asked, target, deps);
  call.invocationId = accepted.invocationId;
  if (route.kind === "send") return sendAnswer(accepted);
  const ending = await deps.invocations.endOf(accepted, call.signal);
  return endingAnswer(accepted.invocationId, ending, deps.retentionMs);
}

async function store(asked: ServiceRequest, target: DurableMethod, deps: IngressDeps): Promise<Accepted> {
  const { route, query, request, call } = asked;
  const delayMs = delayOf(route, query, target);
  checkContentType(request.headers["content-type"]);
  const message = decodeInput(target.method.input, await bodyOf(asked, deps.maxBodyBytes));
  placeKey(target, message, route.key);
  try {
    return await deps.invocations.store({
      target,
      key: route.key,
      request: message,
      requestId: call.requestId,
      idempotencyKey: headerOf(request, IDEMPOTENCY_KEY),
      traceContext: traceContextFrom((name) => headerOf(request, name)),
      caller: call.caller?.name,
      ...(delayMs === undefined ? {} : { delayMs }),
    });
  } catch (error) {
    throw failureFrom(error, "invocation", call, deps.log);
  }
}

function delayOf(route: ServiceRoute, query: string, target: DurableMethod): number | undefined {
  const delayMs = delayFrom(query);
  if (delayMs === undefined) return undefined;
  if (route.kind === "call") {
    throw new IngressFailure(
      400,
      "cannot use the delay query parameter with calls. The delay is supported only with sends",
    );
  }
  // Such an object has one state, and its calls are judged by it when they arrive.
  if (target.literalKey !== undefined) {
    throw new IngressFailure(400, `${route.handler} cannot be delayed: it is judged by the state in which it arrives`);
  }
  return delayMs;
}

function sendAnswer({ invocationId, repeated, startAt }: Accepted): Answer {
  const executionTime = startAt?.toISOString().replace("Z", "000000Z");
  return jsonAnswer(
    202,
    { invocationId, ...(executionTime && { executionTime }), status: repeated ? "PreviouslyAccepted" : "Accepted" },
    { [INVOCATION_ID]: invocationId },
  );
}

/** Answers a method that leaves no invocation behind, on an object whose key says nothing. */
async function callQuery(asked: ServiceRequest, service: DurableService, deps: IngressDeps): Promise<Answer> {
  const { route, request, call } = asked;
  const { typeName } = service.desc;
  const method = service.queries.get(route.handler);
  if (!method) throw unknownHandler(route, deps);
  if (service.literalKey === undefined || !isUnary(method) || route.kind === "send") {
    throw new IngressFailure(
      404,
      `'${route.handler}' is no handler but a query: call it at /${typeName}/${method.name}`,
    );
  }
  if (route.key !== service.literalKey) {
    throw new IngressFailure(400, `${typeName} has the one key ${JSON.stringify(service.literalKey)}`);
  }
  call.name = `${typeName}/${method.name}`;
  if (request.method !== "POST") throw methodNotAllowed();
  checkContentType(request.headers["content-type"]);
  const message = decodeInput(method.input, await bodyOf(asked, deps.maxBodyBytes));
  const header = { [REQUEST_ID]: call.requestId };
  try {
    const answer = await deps.transport.unary(method, call.signal, undefined, header, message);
    return outputAnswer(undefined, toJsonString(method.output, answer.message));
  } catch (error) {
    throw failureFrom(error, "invocation", call, deps.log);
  }
}

function headerOf(request: NodeRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

export function unknownService(name: string): IngressFailure {
  return new IngressFailure(
    404,
    `service '${name.slice(0, 100)}' not found, make sure to register the service before calling it.`,
  );
}

function unknownHandler({ service, handler }: ServiceRoute, deps: IngressDeps): IngressFailure {
  if (deps.invocations.handler(service, handler)) return new IngressFailure(400, "the invoked service is not public");
  return new IngressFailure(
    404,
    `the service '${service}' exists, but the handler '${handler.slice(0, 100)}' was not found, ` +
      "check that the handler exists in the latest registered service version.",
  );
}

export function methodNotAllowed(): IngressFailure {
  return new IngressFailure(405, "method not allowed");
}
