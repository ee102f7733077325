import pg from "pg";
import type { EngineLog } from "../api.ts";

const SIZE = 6;

/** Connections for everything that is no batch: reads, heartbeats, take-overs. */
export function openPool(databaseUrl: string, log: EngineLog): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: SIZE,
    application_name: "hydra engine",
    // A plan made while a table was small must not stay when it has grown.
    options: "-c plan_cache_mode=force_custom_plan",
    keepAlive: true,
  });
  // A pool that has ended no longer listens, but its connections may still break.
  pool.on("connect", (client) => client.on("error", () => {}));
  pool.on("error", ({ message }) => log.debug({ reason: message }, "an idle database connection broke"));
  return pool;
}
