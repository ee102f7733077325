import pg from "pg";
import type { EngineLog } from "../api.ts";

/** Connections for everything that is no batch. */
export interface Pools {
  /** What callers and replays read. */
  readonly reads: pg.Pool;
  /** Heartbeats and take-overs, apart from the reads, so that no slow one keeps this node from showing itself. */
  readonly upkeep: pg.Pool;
}

const CONNECT_TIMEOUT_MS = 5_000;

export function openPools(databaseUrl: string, log: EngineLog): Pools {
  return {
    reads: openPool(databaseUrl, log, 6, 30_000),
    upkeep: openPool(databaseUrl, log, 2, 10_000),
  };
}

function openPool(databaseUrl: string, log: EngineLog, size: number, statementTimeoutMs: number): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: size,
    application_name: "hydra engine",
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    // Both: the server ends the statement, and a server that is silent is not waited for.
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + 1_000,
    // A plan made while a table was small must not stay when it has grown. Not as an option of the connection: those of
    // the URL would take its place.
    verify: (client, done) => {
      client.query("set plan_cache_mode = force_custom_plan", (error: Error | null) => done(error ?? undefined));
    },
  });
  // A pool that has ended no longer listens, but its connections may still break.
  pool.on("connect", (client) => client.on("error", () => {}));
  pool.on("error", ({ message }) => log.debug({ reason: message }, "an idle database connection broke"));
  return pool;
}
