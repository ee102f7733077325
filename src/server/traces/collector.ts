// Loaded only where traces are asked for: what it imports takes a moment.

import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import type { TracedSpan } from "./ended-spans.ts";
import { hydraResource, readableSpans } from "./readable-spans.ts";

/** The collector did not take some spans. */
export class CollectorError extends Error {
  override name = "CollectorError";
  /** It will never take these: trying again is of no use. */
  readonly final: boolean;

  constructor(message: string, final: boolean) {
    super(message);
    this.final = final;
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

/** Statuses for spans that cannot be read, or are too many. */
const FINAL = new Set([400, 413]);
const LONGEST_REASON = 200;

export function openCollector({ endpoint, version, timeoutMs }: CollectorOptions): Collector {
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: timeoutMs });
  const resource = hydraResource(version);
  return {
    async take(spans, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const giveUp = (reason: string) => reject(new CollectorError(reason, false));
      exporter.export(readableSpans(spans, resource, version), ({ error }) => {
        if (error) reject(collectorError(error));
        else resolve();
      });
      // The exporter's own limit is for silence: a collector that answers drop by drop would never end it.
      const late = setTimeout(() => giveUp("it did not answer in time"), timeoutMs);
      const onAbort = () => giveUp("this server is stopping");
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
  return new CollectorError(message.slice(0, LONGEST_REASON), status !== undefined && FINAL.has(status));
}
