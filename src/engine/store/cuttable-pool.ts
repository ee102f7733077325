import pg from "pg";
import type { EngineLog } from "../api.ts";
import { startTimer } from "../timer.ts";
import { cutClient, GOODBYE_MS } from "./goodbye.ts";
import { CONNECTION, sessionSettings } from "./session.ts";

export interface PoolOptions {
  readonly databaseUrl: string;
  /** Most connections at the same time. */
  readonly max: number;
  /** What Postgres calls them. */
  readonly applicationName: string;
  /** Longest that a statement may take, in ms. */
  readonly statementTimeoutMs: number;
  /** More settings of each session, as SQL. */
  readonly settings?: string;
  readonly log: EngineLog;
}

/** A pool that a database which has fallen silent cannot hold up. */
export interface CuttablePool {
  readonly pool: pg.Pool;
  /** Drops all connections; whoever waits for an answer is told so. New ones are opened as they are needed. */
  cut(): void;
  /** Waits for what is under way, then takes leave of the server, which has two seconds for its own part of that. */
  end(): Promise<void>;
}

export function openPool(options: PoolOptions): CuttablePool {
  const { databaseUrl, max, applicationName, statementTimeoutMs, settings = "", log } = options;
  const clients = new Set<pg.ClientBase>();
  const pool = new pg.Pool({
    ...CONNECTION,
    connectionString: databaseUrl,
    max,
    application_name: applicationName,
    // Both: the server ends the statement, and a server that is silent is not waited for.
    query_timeout: statementTimeoutMs + 1_000,
    verify: (client, done) => {
      const text = `${settings}${sessionSettings(statementTimeoutMs)}`;
      client.query(text, (error: Error | null) => done(error ?? undefined));
    },
  });
  pool.on("connect", (client) => {
    clients.add(client);
    client.once("end", () => clients.delete(client));
    // A connection that breaks may say so twice, or after the pool has ended; the pool listens to the first time only.
    client.on("error", () => {});
  });
  // An idle connection that breaks: the next query opens another one.
  pool.on("error", ({ message }) => log.debug({ reason: message }, "an idle database connection broke"));
  const cut = () => {
    for (const client of clients) cutClient(client);
  };
  return {
    pool,
    cut,
    async end() {
      await pool.end();
      const stopTimer = startTimer(GOODBYE_MS, cut);
      // Not `once` of node:events: that rejects where a connection breaks instead.
      await Promise.all(Array.from(clients, (client) => new Promise<void>((resolve) => client.once("end", resolve))));
      stopTimer();
    },
  };
}
