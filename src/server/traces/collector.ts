// Loaded only where traces are asked for: what it imports takes a moment.

import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import type { TracedSpan } from "./ended-spans.ts";
import { hydraResource, readableSpans } from "./readable-spans.ts";

type Refusal = "unreadable" | "too large";

/** The collector did not take some spans. */
export class CollectorError extends Error {
  override name = "CollectorError";
  /** Asking again is of no use, unless with fewer where they are too large. Unset: it is. */
  readonly refused: Refusal | undefined;

  constructor(message: string, refused?: Refusal) {
    super(message);
    this.refused = refused;
  }
}

/** An OpenTelemetry collector, reached by OTLP over HTTP. One call at a time. */
export interface Collector {
  /**
   * Resolves once it has taken the spans. The signal ends the waiting.
   *
   * @throws CollectorError where it did not, or not in time.
   */
  take(spans: readonly TracedSpan[], signal: AbortSignal): Promise<void>;
}

export interface CollectorOptions {
  /** Without the path of the signal. Headers, certificates and compression are the SDK's own variables. */
  endpoint: string;
  version: string;
  timeoutMs: number;
}

const REFUSALS: Readonly<Record<number, Refusal>> = { 400: "unreadable", 413: "too large" };
const STOPPING = "this server is stopping";
const LONGEST_REASON = 200;

export function openCollector({ endpoint, version, timeoutMs }: CollectorOptions): Collector {
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: timeoutMs });
  const resource = hydraResource(version);
  return {
    async take(spans, signal) {
      if (signal.aborted) throw new CollectorError(STOPPING);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const giveUp = (reason: string) => reject(new CollectorError(reason));
      exporter.export(readableSpans(spans, resource, version), ({ error }) => {
        if (error) reject(collectorError(error));
        else resolve();
      });
      // The exporter's own limit is for silence: a collector that answers drop by drop would never end it.
      const late = setTimeout(() => giveUp("it did not answer in time"), timeoutMs);
      const onAbort = () => giveUp(STOPPING);
      signal.addEventListener("abort", onAbort);
      try {
        await promise;
      } finally {
        clearTimeout(late);
        signal.removeEventListener("abort", onAbort);
      }
    },
  };
}

function collectorError(error: Error & { code?: unknown }): CollectorError {
  const status = typeof error.code === "number" ? error.code : undefined;
  const message = `${error.message || "no reason given"}${status === undefined ? "" : ` (HTTP ${status})`}`;
  return new CollectorError(message.slice(0, LONGEST_REASON), status === undefined ? undefined : REFUSALS[status]);
}
