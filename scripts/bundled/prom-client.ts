// What src uses of this package.
export { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
