import type { Invocation } from "./api.ts";
import { crashPoint } from "./crash-points.ts";
import type { AnyHandler } from "./definition.ts";
import { formatInvocationId } from "./ids.ts";
import type { Birth } from "./operations.ts";
import type { Unit } from "./unit.ts";

/** What became of a call that was accepted. */
export interface StoredCall {
  /** The invocation that stands behind the same idempotency key. */
  readonly repeatOf: number | undefined;
  /** Set: it was born ended. */
  readonly output: string | undefined;
}

/** Where a call comes from that was made before. */
export interface CallSource {
  readonly id: number;
  /** Its input as it was stored: the door judges it, and does not change it again. */
  readonly input: string;
  /** How many entries of its journal the new one begins with. */
  readonly entries: number;
}

export interface OutsideCall {
  readonly invocation: Invocation;
  readonly handler: AnyHandler;
  /** Id that it will have. */
  readonly id: number;
  /** The node that writes it has room to run it. */
  readonly claim: boolean;
  /** An ended invocation that this one runs again. */
  readonly source?: CallSource;
  committed(stored: StoredCall): void;
  failed(error: unknown): void;
}

/** A call from outside as a unit: its birth, the effect that admits it, its idempotency key. Throws the door's refusal. */
export function callUnit({ invocation, handler, id, claim, source, committed, failed }: OutsideCall): Unit {
  const { service, key, idempotencyKey, traceContext, caller } = invocation;
  const arrival = {
    key,
    invocationId: formatInvocationId(id),
    ...(traceContext && { traceContext }),
    ...(caller === undefined ? {} : { caller }),
  };
  const { input, answer, admission } = handler.accept?.(invocation.input as never, arrival) ?? {};
  const copies = source && source.entries > 0;
  const answers = !copies && answer !== undefined && handler.kind === "shared" && invocation.delayMs === undefined;
  const output = answers ? handler.output.encode(answer) : undefined;
  const birth = {
    ...birthOf(invocation, handler, id, claim && !answers && !copies, input),
    ...(source && { input: source.input }),
    ...(output === undefined ? {} : { answer: output }),
  };
  crashPoint("call:made");
  return {
    urgent: true,
    birth: id,
    effects: admission ? [admission.call] : [],
    // One that starts later is in no line before its time, and is not refused then: it was accepted.
    ...(handler.kind === "exclusive" && invocation.delayMs === undefined && { line: { service, key } }),
    ...(idempotencyKey === undefined
      ? {}
      : { claim: { service, key, handler: handler.name, idempotencyKey, invocationId: id } }),
    weight: 1,
    survives: true,
    operations: ([result = null]) => {
      const refusal = admission?.judge(result);
      if (refusal) throw refusal;
      if (!copies) return [birth];
      return [birth, { kind: "journal_copy", from: source.id, to: id, entries: source.entries }];
    },
    committed: (_results, existing) => {
      crashPoint("call:committed");
      committed({ repeatOf: existing, output });
    },
    failed,
  };
}

function birthOf(invocation: Invocation, handler: AnyHandler, id: number, claim: boolean, input: unknown): Birth {
  const { service, key, idempotencyKey, delayMs, requestId } = invocation;
  return {
    kind: "birth",
    id,
    service,
    key,
    handler: handler.name,
    exclusive: handler.kind === "exclusive",
    priority: 0,
    claim: claim && delayMs === undefined,
    input: handler.input.encode((input ?? invocation.input) as never),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(requestId === undefined ? {} : { requestId }),
  };
}
