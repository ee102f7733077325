import type { EngineObserver } from "../../engine/index.ts";
import type { DeployKind, DeployOutcome, NotificationObserver, RolloutObserver } from "../../rollout/index.ts";
import { Meters } from "./meters.ts";

// What a server counts itself as it happens. Sums over servers are right; a
// restart begins at 0, as Prometheus expects.

const BATCH_OPERATIONS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000];
const COMMIT_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const DEPLOY_SECONDS = [0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1_200];
const WAVE_SECONDS = [1, 5, 10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 21_600];

const KINDS: readonly DeployKind[] = ["rollout", "rollback", "operator"];
const OUTCOMES: readonly DeployOutcome[] = ["ready", "failed", "skipped"];
const TRIES = ["sent", "retry", "dropped"];

/**
 * The metrics of one server. Made before its engine, which is handed the
 * observers; the server serves them at `/metrics`.
 */
export class Metrics {
  readonly meters = new Meters();
  readonly engine: EngineObserver = engineObserver(this.meters);
  readonly rollout: RolloutObserver = rolloutObserver(this.meters);
  readonly notifications: NotificationObserver = notificationObserver(this.meters);
}

function engineObserver(meters: Meters): EngineObserver {
  const operationsOfBatch = meters.histogram(
    "hydra_engine_batch_operations",
    "Operations in one commit of the engine, this server.",
    BATCH_OPERATIONS,
  );
  const commitSeconds = meters.histogram(
    "hydra_engine_batch_commit_duration_seconds",
    "Time that one commit of the engine took, this server.",
    COMMIT_SECONDS,
  );
  return {
    batchCommitted(operations, durationMs) {
      operationsOfBatch(operations);
      commitSeconds(durationMs / 1_000);
    },
    attemptFailed: meters.counter(
      "hydra_engine_attempts_failed_total",
      "Attempts of invocations that failed and are repeated, this server.",
    ),
    invocationParked: meters.counter(
      "hydra_engine_invocations_parked_total",
      "Invocations that were left to an operator, this server.",
    ),
    nodeTakenOver: meters.counter(
      "hydra_engine_nodes_taken_over_total",
      "Dead servers whose work was made ready for others, this server.",
    ),
    databaseRegained: meters.counter(
      "hydra_engine_reconnects_total",
      "Times that the engine lost the database and came back, this server.",
    ),
  };
}

function rolloutObserver(meters: Meters): RolloutObserver {
  const ended = meters.counters(
    "hydra_deploys_ended_total",
    "Deploys of one sentinel that have an outcome, by who asked for them (rollout, rollback, operator), this server. A sentinel that recovers later is not counted again.",
    { kind: KINDS, outcome: OUTCOMES },
  );
  const deploySeconds = meters.histograms(
    "hydra_deploy_duration_seconds",
    "Time from a sentinel's new configuration to the outcome, deploys of rollouts, this server.",
    DEPLOY_SECONDS,
    { label: "outcome", values: ["ready", "failed"] },
  );
  const waveSeconds = meters.histogram(
    "hydra_wave_duration_seconds",
    "Time from a wave's first start to its completion, this server. Cancelled waves are left out.",
    WAVE_SECONDS,
  );
  return {
    waveEnded: (durationMs) => waveSeconds(durationMs / 1_000),
    deployEnded(kind, outcome, durationMs) {
      ended.get(`${kind} ${outcome}`)?.();
      if (durationMs !== undefined) deploySeconds.get(outcome)?.(durationMs / 1_000);
    },
  };
}

function notificationObserver(meters: Meters): NotificationObserver {
  const tries = meters.counters(
    "hydra_notification_tries_total",
    "Tries to deliver a message to a webhook, by how they ended (sent, retry: tried again, dropped: given up), this server.",
    { outcome: TRIES },
  );
  return { tried: (outcome) => tries.get(outcome)?.() };
}
