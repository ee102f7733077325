import { TraceExport, type TraceExportOptions } from "./trace-export.ts";

export interface TracesOptions extends Pick<TraceExportOptions, "engine" | "pool" | "log"> {
  /** Base URL of an OTLP collector that speaks HTTP with protobuf, for example `http://127.0.0.1:4318`. */
  endpoint: string;
  /** Of this program, for `service.version`. */
  version: string;
  /** How often the log is looked at. Default: 1,000. */
  pollMs?: number;
  /** For one answer of the collector. Default: 5,000. */
  timeoutMs?: number;
  /** After a server was killed, another one goes on once this has passed. Default: three times `timeoutMs`. */
  leaseMs?: number;
  /** Between attempts while the collector is away. Default: 30,000. */
  longestRetryMs?: number;
  /** What has not been taken for this long is given up. Default: an hour. */
  maxAgeMs?: number;
}

const TIMEOUT_MS = 5_000;
const HOUR_MS = 60 * 60 * 1_000;

/**
 * Sends a trace of each rollout to a collector, from now on; any number of
 * servers may do so. Stop it before the engine.
 */
export async function startTraces(options: TracesOptions): Promise<{ stop(): Promise<void> }> {
  const { engine, pool, log, endpoint, version, timeoutMs = TIMEOUT_MS } = options;
  const traces = new TraceExport({
    engine,
    pool,
    log,
    pollMs: options.pollMs ?? 1_000,
    leaseMs: options.leaseMs ?? 3 * timeoutMs,
    longestRetryMs: options.longestRetryMs ?? 30_000,
    maxAgeMs: options.maxAgeMs ?? HOUR_MS,
    async openCollector() {
      const { openCollector } = await import("./collector.ts");
      return openCollector({ endpoint, version, timeoutMs });
    },
  });
  await traces.start();
  return { stop: () => traces.stop() };
}
