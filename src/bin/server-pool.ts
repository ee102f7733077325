import pg from "pg";
import type { Logger } from "pino";
import { cutClient, sessionSettings } from "../engine/index.ts";

/** Longer than the grace of calls at a stop. */
const STOP_PATIENCE_MS = 8_000;

/** Connections for what the server itself reads and writes; the engine has its own. */
export interface ServerPool {
  readonly pool: pg.Pool;
  /** The server stops: whatever has no answer after the patience is given up, so that a silent database holds up nobody. */
  hurry(): void;
  end(): Promise<void>;
}

export function openServerPool(connectionString: string, log: Logger, patienceMs = STOP_PATIENCE_MS): ServerPool {
  const clients = new Set<pg.ClientBase>();
  const pool = new pg.Pool({
    connectionString,
    max: 10,
    application_name: "hydra",
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    // Both: the server ends the statement, and a server that is silent is not waited for.
    verify: (client, done) => {
      client.query(sessionSettings(30_000), (error: Error | null) => done(error ?? undefined));
    },
    query_timeout: 31_000,
  });
  pool.on("connect", (client) => {
    clients.add(client);
    client.once("end", () => clients.delete(client));
    // A connection that breaks may say so twice, and the pool listens to the first time only.
    client.on("error", () => {});
  });
  // An idle connection that breaks: the next query opens another one.
  pool.on("error", (error) => log.debug({ reason: error.message }, "an idle database connection was lost"));
  let timer: NodeJS.Timeout | undefined;
  return {
    pool,
    hurry() {
      timer ??= setTimeout(() => clients.forEach(cutClient), patienceMs);
    },
    async end() {
      await pool.end().finally(() => clearTimeout(timer));
    },
  };
}
