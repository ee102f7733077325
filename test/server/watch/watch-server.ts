import { type Client, createClient, createRouterTransport } from "@connectrpc/connect";
import pg from "pg";
import { SentinelRolloutService } from "../../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { rolloutQueries } from "../../../src/server/queries/index.ts";
import { EventTail, type EventTailOptions } from "../../../src/server/watch/index.ts";
import { quietLog } from "../../support/quiet-log.ts";

export interface WatchServer extends AsyncDisposable {
  readonly client: Client<typeof SentinelRolloutService>;
  readonly tail: EventTail;
}

/** What a server has for Watch: a tail and the service on it, reached in memory. */
export function startWatchServer(
  databaseUrl: string,
  options: Partial<EventTailOptions> & { heartbeatMs?: number } = {},
): WatchServer {
  const { heartbeatMs = 60_000, ...tailOptions } = options;
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 });
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  const tail = new EventTail({ pool, databaseUrl, log: quietLog, ...tailOptions });
  tail.start();
  const queries = rolloutQueries({ pool, tail, heartbeatMs });
  const transport = createRouterTransport(({ service }) => service(SentinelRolloutService, queries));
  return {
    client: createClient(SentinelRolloutService, transport),
    tail,
    async [Symbol.asyncDispose]() {
      await tail.stop();
      await pool.end();
    },
  };
}
