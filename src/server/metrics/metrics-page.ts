import type { Pool } from "pg";
import type { Engine } from "../../engine/index.ts";
import type { AgentStreams } from "../cluster/index.ts";
import type { Answer } from "../send.ts";
import type { EventTail } from "../watch/index.ts";
import { DatabaseMetrics } from "./database-metrics.ts";
import type { Meters } from "./meters.ts";
import type { Metrics } from "./metrics.ts";
import { processMetrics } from "./process-metrics.ts";
import { type MeasuredMethod, RequestMetrics } from "./request-metrics.ts";

export interface MetricsPageDeps {
  readonly metrics: Metrics;
  readonly version: string;
  readonly engine: Engine;
  readonly pool: Pool;
  readonly tail: EventTail;
  readonly agentStreams: AgentStreams;
  readonly methods: readonly MeasuredMethod[];
}

/** The page `/metrics`, in Prometheus' text format. */
export class MetricsPage {
  readonly requests: RequestMetrics;
  readonly #meters: Meters;
  readonly #database: DatabaseMetrics;
  #answering: Promise<Answer> | undefined;

  constructor(deps: MetricsPageDeps) {
    this.#meters = deps.metrics.meters;
    showServer(this.#meters, deps);
    this.#database = new DatabaseMetrics(this.#meters, deps);
    this.requests = new RequestMetrics(this.#meters, deps.methods);
  }

  /** Any number may scrape at once; they share one answer. It takes two seconds at most, whatever the database does. */
  answer(): Promise<Answer> {
    return (this.#answering ??= this.#compose().finally(() => (this.#answering = undefined)));
  }

  async #compose(): Promise<Answer> {
    await this.#database.refresh();
    const body = `${await this.#meters.text()}\n${await processMetrics()}`;
    return { status: 200, headers: { "content-type": this.#meters.contentType }, body };
  }
}

/** What this server knows of itself at the moment of a scrape. */
function showServer(meters: Meters, { version, engine, tail, agentStreams }: MetricsPageDeps): void {
  const info = { [version]: 1 };
  meters.gauges("hydra_build_info", "Always 1; its label tells the version of this server.", "version", () => info);
  meters.gauge(
    "hydra_engine_up",
    "1 while the engine of this server can write; 0: it has lost the database, or the database's disk is full.",
    () => (engine.stats().nodeId === "" ? 0 : 1),
  );
  meters.gauge(
    "hydra_engine_resident_invocations",
    "Invocations in memory, this server.",
    () => engine.stats().resident,
  );
  meters.gauge(
    "hydra_engine_active_attempts",
    "Attempts that have something to do, this server.",
    () => engine.stats().active,
  );
  meters.gauge(
    "hydra_engine_queued_operations",
    "Operations that wait for a commit, this server.",
    () => engine.stats().queuedOperations,
  );
  meters.gauge("hydra_watch_streams", "Watch streams that are open, this server.", () => tail.watchers);
  meters.gauges(
    "hydra_agent_streams",
    "Streams of agents that are open, by what they are being told (everything or changes), this server.",
    "phase",
    () => agentStreams.open(),
  );
  meters.gauge(
    "hydra_agent_changes_untold",
    "Changes of desired state, of whatever region, that the slowest stream of an agent has not come to, full syncs aside, this server.",
    () => agentStreams.mostUntold(tail.changeVersion),
  );
}
