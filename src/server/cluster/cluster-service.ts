import type { ServiceImpl } from "@connectrpc/connect";
import type pg from "pg";
import type { Engine, EngineLog } from "../../engine/index.ts";
import type { ClusterService } from "../../gen/hydra/v1/cluster_pb.ts";
import type { EventTail } from "../watch/index.ts";
import { AgentConnections } from "./agent-connections.ts";
import { AgentStreams } from "./agent-streams.ts";
import { ChangeFeed } from "./change-feed.ts";
import { watchDesiredState } from "./desired-stream.ts";
import { listClusters } from "./list-clusters.ts";
import { Regions } from "./regions.ts";
import { reportObservedState } from "./report.ts";

const HEARTBEAT_MS = 15_000;
const NOTE_MS = 10_000;

export interface ClusterServiceDeps {
  readonly engine: Engine;
  readonly pool: pg.Pool;
  /** The server's one tail of the log. */
  readonly tail: EventTail;
  readonly log: EngineLog;
  /** Where open streams are noted. Default: nowhere. */
  readonly streams?: AgentStreams;
  /** Silence after which a stream gets a heartbeat. Default 15,000. */
  readonly heartbeatMs?: number;
  /** How often a stream that is open is noted in the database. Default 10,000. */
  readonly noteMs?: number;
}

/** What the agents of clusters speak. */
export function clusterService(deps: ClusterServiceDeps): ServiceImpl<typeof ClusterService> {
  const { engine, pool, tail, log, streams = new AgentStreams(), heartbeatMs = HEARTBEAT_MS, noteMs = NOTE_MS } = deps;
  const regions = new Regions(engine);
  const feed = new ChangeFeed({ pool, tail });
  const connections = new AgentConnections({ engine, regions, streams, noteMs });
  return {
    watchDesiredState: (request, { signal }) =>
      watchDesiredState({ pool, tail, feed, connections, regions, log, heartbeatMs }, request, signal),
    reportObservedState: (request) => reportObservedState({ engine, regions }, request),
    listClusters: (request) => listClusters(pool, request),
  };
}
