import type { Pool } from "pg";
import type { Engine, OpenInvocations } from "../../engine/index.ts";
import { type DomainFigures, readDomainFigures } from "../../rollout/index.ts";
import { LatestReading } from "../latest-reading.ts";
import type { Meters } from "./meters.ts";

// What is read from the database when somebody scrapes. Every server says the
// same of it: it is to be looked at on one, or as a maximum, never summed.

const FRESH_MS = 1_000;
const LIMIT_MS = 2_000;

interface Figures {
  readonly domain: DomainFigures;
  readonly invocations: OpenInvocations;
}

/** Metrics of the database's tables, as of the last `refresh`. Those of a database that is away are not there. */
export class DatabaseMetrics {
  readonly #reading: LatestReading<Figures>;
  #figures: Figures | undefined;

  constructor(meters: Meters, { engine, pool }: { engine: Engine; pool: Pool }) {
    const read = async () => {
      const [domain, invocations] = await Promise.all([readDomainFigures(pool), engine.countOpenInvocations()]);
      return { domain, invocations };
    };
    this.#reading = new LatestReading({ read, freshMs: FRESH_MS, limitMs: LIMIT_MS });
    meters.gauge(
      "hydra_database_up",
      "1 where the database answered this scrape within 2 seconds. Metrics that are read from it are missing otherwise.",
      () => (this.#figures ? 1 : 0),
    );
    meters.gauges(
      "hydra_engine_invocations",
      "Invocations that have not ended, by status, from the database. ready: waits for a server; parked: waits for an operator.",
      "status",
      () => this.#figures?.invocations,
    );
    this.#showRollouts(meters);
    this.#showNotifications(meters);
    this.#showRegions(meters);
    this.#showAgents(meters);
  }

  /** Looks at the database, at most once a second, and never for longer than two. */
  async refresh(): Promise<void> {
    this.#figures = await this.#reading.latest();
  }

  get #domain(): DomainFigures | undefined {
    return this.#figures?.domain;
  }

  #showRollouts(meters: Meters): void {
    meters.gauges(
      "hydra_rollouts",
      "Rollouts there were, by state, from the database.",
      "state",
      () => this.#domain?.rollouts,
    );
    meters.gauges(
      "hydra_rollout_targets",
      "Sentinels of the latest rollout, by outcome (none: has none yet), from the database.",
      "outcome",
      () => this.#domain?.targets,
    );
    meters.gauge(
      "hydra_deploys_in_flight",
      "Sentinels of the latest rollout that are being deployed or reverted, from the database.",
      () => this.#domain?.inFlight,
    );
  }

  #showNotifications(meters: Meters): void {
    meters.gauge(
      "hydra_notifications_waiting",
      "Messages that wait to be sent to a webhook, from the database.",
      () => this.#domain?.notifications.waiting,
    );
    meters.gauge(
      "hydra_notification_oldest_age_seconds",
      "Age of the oldest message that waits to be sent to a webhook, from the database; 0 where none waits.",
      () => this.#domain?.notifications.oldestAgeSeconds,
    );
  }

  #showRegions(meters: Meters): void {
    meters.gauge(
      "hydra_regions",
      "Regions that an agent has ever come from, from the database.",
      () => this.#domain?.regions.known,
    );
    meters.gauge(
      "hydra_regions_with_agent",
      "Regions of which an agent was seen within the last minute, from the database.",
      () => this.#domain?.regions.seen,
    );
    meters.gauge(
      "hydra_regions_without_agent",
      "Regions that have sentinels, and no agent that was seen within the last minute, from the database.",
      () => this.#domain?.regions.withoutAgent,
    );
    meters.gauges(
      "hydra_region_agent_last_seen_timestamp_seconds",
      "When an agent of a region was seen last, in seconds since 1970, from the database; the first 100 regions by id.",
      "region",
      () => this.#domain?.regions.lastSeen,
    );
  }
  #showAgents(meters: Meters): void {
    meters.gauge(
      "hydra_agents_connected",
      "Agents that were seen within the last minute and have not left, from the database.",
      () => this.#domain?.agentsConnected,
    );
    meters.gauge(
      "hydra_sentinels_drifted",
      "Sentinels of which somebody has changed in the cluster what hydra applied, from the database.",
      () => this.#domain?.drifted,
    );
  }
}
