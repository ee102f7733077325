/**
 * Hears of what an engine does, for metrics. Called in the middle of the work:
 * a method must be quick and must not throw.
 */
export interface EngineObserver {
  /** A batch of this engine is committed: how many operations it had, and how long writing it took. */
  batchCommitted(operations: number, durationMs: number): void;
  /** An attempt failed, and its invocation will be tried again. */
  attemptFailed(): void;
  /** An invocation waits for an operator from now on. */
  invocationParked(): void;
  /** A peer was dead, and what it held is ready for others. */
  nodeTakenOver(): void;
  /** The database was lost, and this engine writes again. */
  databaseRegained(): void;
}

/** An observer that does not look. */
export const UNOBSERVED: EngineObserver = {
  batchCommitted() {},
  attemptFailed() {},
  invocationParked() {},
  nodeTakenOver() {},
  databaseRegained() {},
};
