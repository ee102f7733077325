import type { AgentLog } from "../../agent-log.ts";
import type { Observed } from "../../reporter.ts";
import type { ApplyQueue } from "./apply-queue.ts";
import type { Cluster } from "./cluster.ts";
import type { LookOptions } from "./observed.ts";

/** What all sentinels of a cluster share. */
export interface Surroundings {
  readonly cluster: Cluster;
  readonly queue: ApplyQueue;
  readonly look: LookOptions;
  /** How long bad news must last before a deploy has failed by it. */
  readonly graceMs: number;
  readonly counts: ApplyCounts;
  report(observed: Observed): void;
  readonly log: AgentLog;
  /** Ends everything that is under way. */
  readonly signal: AbortSignal;
}

/** Writes since the start, by how they ended. */
export interface ApplyCounts {
  applied: number;
  refused: number;
  /** To be tried again. */
  failed: number;
}
