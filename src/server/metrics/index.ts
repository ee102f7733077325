export { MetricsPage } from "./metrics-page.ts";
export { Metrics } from "./metrics.ts";
