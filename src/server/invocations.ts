import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Accepted, AnyHandler, Engine, Outcome, TraceContext } from "../engine/index.ts";
import type { DurableMethod } from "./durable-method.ts";

/** Header that names the invocation an answer is about. */
export const INVOCATION_ID = "x-restate-id";
/** Header under which repeats of a call get the first one's answer. */
export const IDEMPOTENCY_KEY = "idempotency-key";

const MAX_IDEMPOTENCY_KEY = 512;

/** A call to a handler, wherever it came from. */
export interface HandlerCall {
  readonly target: DurableMethod;
  readonly key: string;
  readonly request: Message;
  readonly requestId: string;
  /** Value of the header; null or empty: none. */
  readonly idempotencyKey: string | null | undefined;
  /** Undefined: the caller is in no trace. */
  readonly traceContext: TraceContext | undefined;
  /** Name of whoever calls; undefined: through memory. */
  readonly caller: string | undefined;
  readonly delayMs?: number;
}

/** The end of an invocation as a caller is told of it. */
export interface Ending {
  readonly outcome: Outcome;
  /** It had ended before this caller asked. */
  readonly ended: "before" | "meanwhile";
}

/** The handlers of the engine, as calls from outside reach them. Each call may be made from many places at once. */
export class Invocations {
  readonly #engine: Engine;
  readonly #handlers: ReadonlyMap<string, AnyHandler>;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#handlers = new Map(engine.handlers().map((handler) => [`${handler.service}/${handler.name}`, handler]));
  }

  /** The registered handler of a name, public or not. */
  handler(service: string, name: string): AnyHandler | undefined {
    return this.#handlers.get(`${service}/${name}`);
  }

  /** Stores a call. Once this resolves it will run. Rejects with what refused it. */
  async store(call: HandlerCall): Promise<Accepted> {
    const { target, key, request, requestId, traceContext, caller, delayMs } = call;
    const service = target.service.typeName;
    const handler = target.method.name;
    if (!this.handler(service, handler)?.public) {
      throw new ConnectError(`${service}/${handler} is not implemented on this server`, Code.Unimplemented);
    }
    return this.#engine.invoke({
      service,
      handler,
      key,
      input: request,
      requestId,
      ...idempotencyKeyFrom(call.idempotencyKey),
      ...(traceContext && { traceContext }),
      ...(caller === undefined ? {} : { caller }),
      ...(delayMs === undefined ? {} : { delayMs }),
    });
  }

  /**
   * Waits for an invocation's end. Undefined: there is none with this id. The
   * signal ends the waiting with its reason; the invocation goes on.
   */
  async end(invocationId: string, signal: AbortSignal): Promise<Ending | undefined> {
    const now = await this.#engine.output(invocationId);
    if (now === undefined) return undefined;
    if (now !== "pending") return { outcome: now, ended: "before" };
    return this.#wait(invocationId, signal);
  }

  /** The end of a call that has just been stored. */
  async endOf(accepted: Accepted, signal: AbortSignal): Promise<Ending> {
    const { invocationId, repeated } = accepted;
    const ending = await (repeated ? this.end(invocationId, signal) : this.#wait(invocationId, signal));
    if (!ending) throw new ConnectError("the result of this call is no longer kept", Code.NotFound);
    return ending;
  }

  /** The response message in a successful outcome. */
  decode(target: DurableMethod, output: string): Message {
    const handler = this.handler(target.service.typeName, target.method.name);
    if (!handler) throw new Error(`${target.service.typeName}/${target.method.name} is not registered`);
    return handler.output.decode(output);
  }

  async #wait(invocationId: string, signal: AbortSignal): Promise<Ending | undefined> {
    const outcome = await this.#engine.attach(invocationId, signal);
    return outcome && { outcome, ended: "meanwhile" };
  }
}

/** The value of the header, checked. Throws INVALID_ARGUMENT. */
export function idempotencyKeyFrom(value: string | null | undefined): { idempotencyKey?: string } {
  if (!value) return {};
  if (value.length > MAX_IDEMPOTENCY_KEY) {
    throw new ConnectError(
      `the header ${IDEMPOTENCY_KEY} has ${value.length} characters, at most ${MAX_IDEMPOTENCY_KEY} are accepted`,
      Code.InvalidArgument,
    );
  }
  return { idempotencyKey: value };
}
