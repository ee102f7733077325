import type { TraceContext } from "../engine/index.ts";

const TRACEPARENT = /^(?!ff)([\da-f]{2})-((?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2})(-.*)?$/;
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;

/**
 * The trace that a caller is in, from its headers `traceparent` and
 * `tracestate`. What is malformed is ignored, as W3C Trace Context asks: of a
 * version that is not known yet, the known part counts.
 */
export function traceContextFrom(header: (name: string) => string | null | undefined): TraceContext | undefined {
  const [, version, context, more] = TRACEPARENT.exec(header("traceparent")?.trim() ?? "") ?? [];
  if (context === undefined || (version === "00" && more !== undefined)) return undefined;
  const tracestate = header("tracestate")?.trim() ?? "";
  return { traceparent: `00-${context}`, tracestate: TRACESTATE.test(tracestate) ? tracestate : "" };
}
