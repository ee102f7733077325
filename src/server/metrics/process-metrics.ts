import { collectDefaultMetrics, Registry } from "prom-client";

let registry: Registry | undefined;

/** Metrics of the process and of Node, under their customary names. There is one process, however many servers are in it. */
export function processMetrics(): Promise<string> {
  if (!registry) {
    registry = new Registry();
    collectDefaultMetrics({ register: registry });
  }
  return registry.metrics();
}
