import {
  createTraceState,
  type HrTime,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
} from "@opentelemetry/api";
import {
  defaultResource,
  detectResources,
  type Resource,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { TracedSpan } from "./ended-spans.ts";

const US_PER_S = 1_000_000;
/** Of a message or an attribute: reasons come from clusters. */
const LONGEST_TEXT = 1_000;

/** What makes spans: hydra, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise. */
export function hydraResource(version: string): Resource {
  const own = resourceFromAttributes({ "service.name": "hydra", "service.version": version });
  const told = detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] });
  return defaultResource().merge(own).merge(told);
}

/** Gives spans OpenTelemetry's shape. */
export function readableSpans(spans: readonly TracedSpan[], resource: Resource, version: string): ReadableSpan[] {
  const instrumentationScope = { name: "hydra", version };
  return spans.map((span) => ({ ...readableSpan(span), resource, instrumentationScope }));
}

function readableSpan({ trace, span }: TracedSpan): Omit<ReadableSpan, "resource" | "instrumentationScope"> {
  const { id, parentId, error } = span;
  const isRoot = span.name === "rollout";
  const traceState = trace.state === "" ? undefined : createTraceState(trace.state);
  const contextOf = (spanId: string): SpanContext => ({
    traceId: trace.id,
    spanId,
    traceFlags: TraceFlags.SAMPLED,
    ...(traceState && { traceState }),
  });
  const context = contextOf(id);
  // Both are the database's time, whose clock may have been set back.
  const endUs = Math.max(span.startUs, span.endUs);
  return {
    name: span.name,
    kind: isRoot ? SpanKind.SERVER : SpanKind.INTERNAL,
    spanContext: () => context,
    ...(parentId !== undefined && { parentSpanContext: { ...contextOf(parentId), isRemote: isRoot } }),
    startTime: hrTime(span.startUs),
    endTime: hrTime(endUs),
    duration: hrTime(endUs - span.startUs),
    status:
      error === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: shortened(error) },
    attributes: Object.fromEntries(
      Object.entries(span.attributes).map(([name, value]) => [
        name,
        typeof value === "string" ? shortened(value) : value,
      ]),
    ),
    links: [],
    events: [],
    ended: true,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function hrTime(us: number): HrTime {
  return [Math.floor(us / US_PER_S), (us % US_PER_S) * 1_000];
}

function shortened(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT - 1)}…` : text;
}
