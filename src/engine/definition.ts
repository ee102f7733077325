import type { Context } from "./context.ts";
import type { EffectCall } from "./effect.ts";
import type { TerminalError } from "./errors.ts";
import type { RetryPolicy } from "./retry.ts";

/** Turns a value into the JSON text that is stored, and back. Both throw a TerminalError of kind `invalid` on bad values. */
export interface Codec<T> {
  encode(value: T): string;
  decode(text: string): T;
}

/** How a handler runs beside the others of its key: exclusive ones one at a time, in arrival order; shared ones at once. */
export type HandlerKind = "exclusive" | "shared";

/** Names a handler and the types of its messages; all that a caller needs. */
export interface HandlerRef<Input, Output> {
  /** Name of the virtual object, for example `acme.v1.OrderService`. */
  readonly service: string;
  readonly name: string;
  readonly input: Codec<Input>;
  readonly output: Codec<Output>;
}

/** The trace that a caller is in (W3C Trace Context), checked by whoever took the call. */
export interface TraceContext {
  /** `00-<trace id>-<span id>-<flags>`. */
  readonly traceparent: string;
  /** Empty: none. */
  readonly tracestate: string;
}

/** What is known of a call when it knocks at the door. */
export interface Arrival {
  readonly key: string;
  /** Id that the invocation will have if it is accepted. */
  readonly invocationId: string;
  /** The engine hands it on and does not store it. Unset: the caller is in no trace. */
  readonly traceContext?: TraceContext;
  /** Name of whoever calls; handed on likewise. Unset: nobody said. */
  readonly caller?: string;
}

/** A handler's answer to a call at the door. */
export interface Acceptance<Input, Output = never> {
  /** Input to store instead of the one that came, for example with secrets replaced by references. */
  readonly input?: Input;
  /**
   * The output, where nothing is left to do after the admission: the invocation
   * is born ended, in the admission's commit, and `run` is not called. Shared
   * handlers only; not used where the start is delayed.
   */
  readonly answer?: Output;
  /**
   * An effect that commits together with the birth of the invocation. `judge`
   * gets its result (null: no row came back) and answers with the refusal, if
   * any: then neither the effect nor the invocation happens.
   * The effect must not write anything when `judge` refuses.
   */
  readonly admission?: { readonly call: EffectCall; judge(result: unknown): TerminalError | undefined };
}

/** What is known of an invocation that ends without its handler's word. */
export interface Abandonment {
  readonly invocationId: string;
  readonly key: string;
  /** Why, for a person. */
  readonly reason: string;
}

export interface HandlerOptions<Input, Output> extends HandlerRef<Input, Output> {
  readonly kind: HandlerKind;
  /** Callable from outside. */
  readonly public: boolean;
  /**
   * The handler itself. May run many times from the start (replay); everything
   * that is not deterministic goes through the context.
   */
  run(ctx: Context, input: Input): Promise<Output>;
  /**
   * Judges a call from outside before anything is stored. Throws a
   * TerminalError to refuse. Not asked for calls between handlers.
   */
  accept?(input: Input, arrival: Arrival): Acceptance<Input, Output>;
  /**
   * The effect that commits together with the end of an invocation whose
   * handler failed, was killed, ran out of retries, or was parked, so that no
   * state of the domain is left without an owner.
   */
  abandoned?(input: Input, abandonment: Abandonment): EffectCall;
  /** How attempts and steps that failed are tried again, and for how long. Unset parts: as the service has them, else the defaults. */
  readonly retry?: RetryPolicy;
  /** How long ended invocations are kept. Default: as the service has it, else `retentionMs` of the limits. */
  readonly retentionMs?: number;
}

/** A handler ready to be registered. */
export type HandlerDefinition<Input, Output> = Readonly<HandlerOptions<Input, Output>>;

/** A handler whose message types are closed over. */
export type AnyHandler = HandlerDefinition<never, never>;

/** Defines a handler. */
export function defineHandler<Input, Output>(options: HandlerOptions<Input, Output>): HandlerDefinition<Input, Output> {
  return options;
}

/** Erases a handler's message types, for lists of handlers. */
export function anyHandler<Input, Output>(handler: HandlerDefinition<Input, Output>): AnyHandler {
  return handler as unknown as AnyHandler;
}

/** A codec for plain JSON values between handlers of one program. Does not check shapes. */
export function jsonCodec<T>(): Codec<T> {
  return {
    encode: (value) => JSON.stringify(value ?? null),
    decode: (text) => JSON.parse(text) as T,
  };
}
