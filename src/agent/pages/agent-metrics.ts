import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";
import type { AgentStatus } from "../kubernetes/agent-options.ts";

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly read: (status: AgentStatus) => number | undefined;
}

const GAUGES: readonly Metric[] = [
  {
    name: "hydra_agent_stream_open",
    help: "1 while the stream of desired state is open.",
    read: ({ connected }) => Number(connected),
  },
  {
    name: "hydra_agent_synced",
    help: "1 once the cluster's objects are known and all that is desired has been heard.",
    read: ({ synced }) => Number(synced),
  },
  { name: "hydra_agent_sentinels", help: "Sentinels of the region.", read: ({ sentinels }) => sentinels },
  {
    name: "hydra_agent_applies_in_flight",
    help: "Sentinels that are being written to the cluster.",
    read: ({ applies }) => applies.inFlight,
  },
  {
    name: "hydra_agent_applies_queued",
    help: "Sentinels that wait to be written.",
    read: ({ applies }) => applies.queued,
  },
  {
    name: "hydra_agent_reports_waiting",
    help: "Reports that wait to be sent.",
    read: ({ reports }) => reports.waiting,
  },
  {
    name: "hydra_agent_last_report_timestamp_seconds",
    help: "When hydra took the last report, in seconds since 1970; not there before the first.",
    read: ({ reports: { lastAtMs } }) => (lastAtMs === undefined ? undefined : lastAtMs / 1_000),
  },
];

const COUNTERS: readonly Metric[] = [
  { name: "hydra_agent_reports_sent_total", help: "Reports that hydra took.", read: ({ reports }) => reports.sent },
  {
    name: "hydra_agent_watch_restarts_total",
    help: "Watches of the cluster that had to be begun again.",
    read: ({ watchRestarts }) => watchRestarts,
  },
];

const OUTCOMES = ["applied", "refused", "failed"] as const;

/** What an agent knows of itself at the moment of a scrape, and the customary metrics of its process. */
export function agentMetrics(version: string, status: () => AgentStatus): Registry {
  const registry = new Registry();
  const info = new Gauge({
    name: "hydra_agent_build_info",
    help: "Always 1; its label tells the version of this agent.",
    labelNames: ["version"],
    registers: [registry],
  });
  info.set({ version }, 1);
  for (const { name, help, read } of GAUGES) {
    const gauge: Gauge = new Gauge({ name, help, registers: [], collect: () => show(read(status())) });
    const show = (value: number | undefined) => (value === undefined ? gauge.remove() : gauge.set(value));
    registry.registerMetric(gauge);
  }
  for (const { name, help, read } of COUNTERS) {
    const counter: Counter = new Counter({ name, help, registers: [], collect: () => show(read(status()) ?? 0) });
    const show = (value: number) => {
      counter.reset();
      counter.inc(value);
    };
    registry.registerMetric(counter);
  }
  registry.registerMetric(appliesCounter(status));
  collectDefaultMetrics({ register: registry });
  return registry;
}

function appliesCounter(status: () => AgentStatus): Counter {
  const counter: Counter<"outcome"> = new Counter({
    name: "hydra_agent_applies_total",
    help: "Sentinels that were written to the cluster, by how it ended; failed ones are tried again.",
    labelNames: ["outcome"],
    registers: [],
    collect() {
      counter.reset();
      const { applies } = status();
      for (const outcome of OUTCOMES) counter.inc({ outcome }, applies[outcome]);
    },
  });
  return counter;
}
