/** Every bound of a node, as numbers. */
export interface EngineLimits {
  /** Attempts that run at the same time; those that wait for something durable do not count. Default 1,000. */
  maxActive: number;
  /** Invocations in memory, waiting ones included; the idle ones beyond it are let go of and replayed later. Default 10,000. */
  maxResident: number;
  /** Operations that wait for the committer; beyond it calls from outside are refused as `exhausted`. Default 50,000. */
  maxQueuedOperations: number;
  /** Calls that wait for one key of exclusive handlers; beyond it those from outside are refused as `exhausted`. Default 10,000. */
  maxQueuedPerKey: number;
  /** Operations in one batch. Default 1,000. */
  maxBatchOperations: number;
  /** Operations that must wait for a batch to be sent while the one before it is under way. Default 250. */
  sendAheadFrom: number;
  /** A node that has not shown itself for this long is taken over. Default 5,000. */
  leaseMs: number;
  /** How often due work is looked for without a hint. Default 1,000. */
  pollMs: number;
  /** How long completed invocations are kept. Default a day. */
  retentionMs: number;
  /** Grace for attempts in flight when stopping. Default 5,000. */
  drainMs: number;
}

/** Residents above `maxResident` that only calls from outside may use. */
export const OUTSIDE_RESERVE = 1_000;

export const DEFAULT_LIMITS: EngineLimits = {
  maxActive: 1_000,
  maxResident: 10_000,
  maxQueuedOperations: 50_000,
  maxQueuedPerKey: 10_000,
  maxBatchOperations: 1_000,
  sendAheadFrom: 250,
  leaseMs: 5_000,
  pollMs: 1_000,
  retentionMs: 24 * 60 * 60 * 1_000,
  drainMs: 5_000,
};
