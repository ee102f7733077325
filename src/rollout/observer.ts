/** Who asked for a deploy: a rollout, a rollback, or an operator for one sentinel. */
export type DeployKind = "rollout" | "rollback" | "operator";

/** `skipped`: the sentinel was gone, not running, or the rollout was over before its turn came. */
export type DeployOutcome = "ready" | "failed" | "skipped";

/**
 * Hears of what the domain has committed, for metrics: once, by the server that
 * wrote it, and not at all where that server lost the database before it knew.
 * Called in the middle of the work: a method must be quick and must not throw.
 */
export interface RolloutObserver {
  /** A wave is complete. Cancelled and abandoned ones are not told of. */
  waveEnded(durationMs: number): void;
  /**
   * A deploy has its outcome. The time is from the commit of its configuration
   * to that of its outcome, and known of those of a rollout; undefined also where
   * there was nothing to write.
   */
  deployEnded(kind: DeployKind, outcome: DeployOutcome, durationMs: number | undefined): void;
}

/** An observer that does not look. */
export const UNOBSERVED: RolloutObserver = { waveEnded() {}, deployEnded() {} };
