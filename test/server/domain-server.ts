import { type Client, createClient, createRouterTransport, type Transport } from "@connectrpc/connect";
import pg from "pg";
import { pino } from "pino";
import { type AnyHandler, createEngine, type Engine } from "../../src/engine/index.ts";
import { ClusterService } from "../../src/gen/hydra/v1/cluster_pb.ts";
import { SentinelService } from "../../src/gen/hydra/v1/sentinel_pb.ts";
import { SentinelRolloutService } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { clusterService } from "../../src/server/cluster/index.ts";
import { errorInterceptor } from "../../src/server/interceptors.ts";
import { rolloutQueries, sentinelQueries } from "../../src/server/queries/index.ts";
import { EventTail } from "../../src/server/watch/index.ts";
import { quietLog } from "../support/quiet-log.ts";

/** What a server has for queries, Watch and agents, reached in memory. */
export interface DomainServer extends AsyncDisposable {
  readonly engine: Engine;
  readonly pool: pg.Pool;
  readonly transport: Transport;
  readonly rollouts: Client<typeof SentinelRolloutService>;
  readonly sentinels: Client<typeof SentinelService>;
  readonly clusters: Client<typeof ClusterService>;
}

export interface DomainServerOptions {
  heartbeatMs?: number;
  noteMs?: number;
  /** Default: none; the engine runs effects all the same. */
  handlers?: readonly AnyHandler[];
}

export async function startDomainServer(
  databaseUrl: string,
  { heartbeatMs = 60_000, noteMs = 60_000, handlers = [] }: DomainServerOptions = {},
): Promise<DomainServer> {
  const log = quietLog;
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 6 });
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  const engine = createEngine({ databaseUrl, handlers });
  await engine.start();
  const tail = new EventTail({ pool, databaseUrl, log });
  tail.start();
  const transport = createRouterTransport(
    ({ service }) => {
      service(SentinelRolloutService, rolloutQueries({ pool, tail, heartbeatMs }));
      service(SentinelService, sentinelQueries({ engine, pool, log }));
      service(ClusterService, clusterService({ engine, pool, tail, log, heartbeatMs, noteMs }));
    },
    { router: { interceptors: [errorInterceptor(pino({ level: "silent" }))] } },
  );
  return {
    engine,
    pool,
    transport,
    rollouts: createClient(SentinelRolloutService, transport),
    sentinels: createClient(SentinelService, transport),
    clusters: createClient(ClusterService, transport),
    async [Symbol.asyncDispose]() {
      await tail.stop();
      await engine.stop();
      await pool.end();
    },
  };
}
