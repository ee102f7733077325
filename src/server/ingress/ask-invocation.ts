import type { Call } from "../call.ts";
import type { Answer } from "../send.ts";
import { jsonAnswer } from "./answer.ts";
import { unknownService } from "./call-handler.ts";
import type { IngressDeps } from "./deps.ts";
import { endingAnswer } from "./ending.ts";
import { IngressFailure } from "./failure.ts";
import { bodyOf, bodyText, type CallRequest } from "./input.ts";
import type { InvocationTarget } from "./route.ts";

const OUTPUT_NOT_READY = 470;

/** Reads which invocation a body asks for. */
export async function targetInBody(asked: CallRequest, maxBytes: number): Promise<InvocationTarget> {
  const text = bodyText(await bodyOf(asked, maxBytes));
  // Few ask in this way, and the library behind it would keep every server from starting sooner.
  const { targetSchema } = await import("./target-schema.ts");
  const parsed = targetSchema.safeParse(jsonOf(text));
  if (!parsed.success) {
    throw new IngressFailure(
      400,
      'the body must be {"target": "invocation", "invocationId": …} or ' +
        '{"target": "idempotentInvocation", "service": …, "key": …, "handler": …, "idempotencyKey": …}',
    );
  }
  if (parsed.data.target === "invocation") return { by: "id", invocationId: parsed.data.invocationId };
  const { target: _, ...named } = parsed.data;
  return { by: "idempotency_key", ...named };
}

/** Waits for an invocation's end. */
export async function attach(target: InvocationTarget, call: Call, deps: IngressDeps): Promise<Answer> {
  call.lasts = true;
  const invocationId = await idOf(target, deps);
  const ending = invocationId === undefined ? undefined : await deps.invocations.end(invocationId, call.signal);
  if (invocationId === undefined || !ending) throw new IngressFailure(404, "not found", "invocation", { invocationId });
  call.invocationId = invocationId;
  return endingAnswer(invocationId, ending, deps.retentionMs);
}

/** Looks whether an invocation has ended. */
export async function output(target: InvocationTarget, call: Call, deps: IngressDeps): Promise<Answer> {
  const invocationId = await idOf(target, deps);
  const outcome = invocationId === undefined ? undefined : await deps.engine.output(invocationId);
  if (invocationId === undefined || !outcome) throw notFound();
  call.invocationId = invocationId;
  if (outcome === "pending") {
    throw new IngressFailure(OUTPUT_NOT_READY, "the invocation exists but has not completed yet");
  }
  return endingAnswer(invocationId, { outcome, ended: "before" }, deps.retentionMs);
}

/** Tells the id of an invocation that exists. */
export async function lookup(target: InvocationTarget, call: Call, deps: IngressDeps): Promise<Answer> {
  const invocationId = await idOf(target, deps);
  if (invocationId === undefined) throw notFound();
  if (target.by === "id" && !(await deps.engine.output(invocationId))) throw notFound();
  call.invocationId = invocationId;
  return jsonAnswer(200, { invocationId });
}

async function idOf(target: InvocationTarget, deps: IngressDeps): Promise<string | undefined> {
  if (target.by === "id") return target.invocationId;
  const { by: _, ...named } = target;
  if (!deps.services.durable.has(named.service)) throw unknownService(named.service);
  return deps.engine.lookup(named);
}

function notFound(): IngressFailure {
  return new IngressFailure(404, "invocation not found");
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
