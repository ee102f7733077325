import type { Message } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { callKey } from "./call.ts";
import { errorOfFailure } from "./connect-errors.ts";
import { type DurableMethod, type DurableService, keyOfRequest } from "./durable-method.ts";
import { IDEMPOTENCY_KEY, INVOCATION_ID, type Invocations } from "./invocations.ts";
import { REQUEST_ID, requestIdFrom } from "./request-id.ts";
import { traceContextFrom } from "./trace-context.ts";

type UnaryHandler = (request: Message, context: HandlerContext) => Promise<Message>;

/**
 * Implements the exclusive and shared methods of a virtual object, whatever
 * they are: each call becomes an invocation that is waited for. A client that
 * hangs up does not stop it.
 */
export function bridge(service: DurableService, invocations: Invocations): Record<string, UnaryHandler> {
  const methods: Record<string, UnaryHandler> = {};
  for (const target of service.handlers.values()) {
    methods[target.method.localName] = (request, context) => call(target, invocations, request, context);
  }
  return methods;
}

async function call(
  target: DurableMethod,
  invocations: Invocations,
  request: Message,
  context: HandlerContext,
): Promise<Message> {
  const httpCall = context.values.get(callKey);
  const accepted = await invocations.store({
    target,
    key: keyOfRequest(target, request),
    request,
    requestId: httpCall?.requestId ?? requestIdFrom(context.requestHeader.get(REQUEST_ID)),
    idempotencyKey: context.requestHeader.get(IDEMPOTENCY_KEY),
    traceContext: traceContextFrom((name) => context.requestHeader.get(name)),
    caller: httpCall?.caller?.name,
  });
  if (httpCall) httpCall.invocationId = accepted.invocationId;
  const { outcome } = await invocations.endOf(accepted, context.signal);
  if (!outcome.ok) throw errorOfFailure(outcome, { [INVOCATION_ID]: accepted.invocationId });
  context.responseHeader.set(INVOCATION_ID, accepted.invocationId);
  return invocations.decode(target, outcome.output);
}
