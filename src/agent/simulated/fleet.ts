import { createClient, type Transport } from "@connectrpc/connect";
import { ClusterService } from "../../gen/hydra/v1/cluster_pb.ts";
import { SentinelService } from "../../gen/hydra/v1/sentinel_pb.ts";
import type { AgentLog } from "../agent-log.ts";
import { followDesiredState } from "../desired-stream.ts";
import { Reporter } from "../reporter.ts";
import type { ConvergeRange } from "./converge-time.ts";
import { failuresFromNames, type SimulatedFailure } from "./failures.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";

const ANSWER_MS = 10_000;

export interface SimulatedFleetOptions {
  /** To a server: over HTTP, or in memory. */
  transport: Transport;
  /** Each region is a cluster of its own. */
  regionIds: readonly string[];
  /** The uid of every cluster. Default: `simulated-` and the region's id. */
  clusterUid?: string;
  /** How long a sentinel takes to converge; 0: it does so at once. */
  convergeMs: ConvergeRange;
  /** Sentinels that never become ready on a new image, with the failure class that their cluster reports, or ''. */
  failures: ReadonlyMap<string, string>;
  /** The same seed gives every deploy the same time. */
  seed: number;
  /** Version that the agents tell. */
  version: string;
  log: AgentLog;
}

export interface SimulatedFleet {
  /** Ends the streams and everything under way. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts clusters that exist in memory only, each with an agent that speaks
 * to hydra as a real one does. Throws where a failure class does not exist.
 */
export function startSimulatedFleet(options: SimulatedFleetOptions): SimulatedFleet {
  const failures = failuresFromNames(options.failures);
  const stopping = new AbortController();
  const running = options.regionIds.map((regionId) => runRegion(options, regionId, failures, stopping.signal));
  return {
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

async function runRegion(
  options: SimulatedFleetOptions,
  regionId: string,
  failures: ReadonlyMap<string, SimulatedFailure>,
  signal: AbortSignal,
): Promise<void> {
  const { transport, clusterUid = `simulated-${regionId}`, version, log, convergeMs, seed } = options;
  const client = createClient(ClusterService, transport);
  const sentinels = createClient(SentinelService, transport);
  const agent = { regionId, clusterUid, version };
  const reporter = new Reporter({ client, agent, log, signal });
  const cluster = new SimulatedCluster({
    convergeMs,
    failures,
    seed,
    report: (observed) => reporter.report(observed),
    async lastRunning(sentinelId) {
      const { sentinel } = await sentinels.getSentinel({ sentinelId }, { signal, timeoutMs: ANSWER_MS });
      return sentinel?.runningImage || undefined;
    },
  });
  await Promise.all([reporter.run(), followDesiredState({ client, agent, desired: cluster, log, signal })]);
  cluster.stop();
}
