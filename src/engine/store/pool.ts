import { once } from "node:events";
import pg from "pg";
import type { EngineLog } from "../api.ts";
import { startTimer } from "../timer.ts";
import { cutClient, GOODBYE_MS } from "./goodbye.ts";
import { CONNECTION, sessionSettings } from "./session.ts";

/** Connections for everything that is no batch. */
export interface Pools {
  /** What callers and replays read. */
  readonly reads: pg.Pool;
  /** Heartbeats and take-overs, apart from the reads, so that no slow one keeps this node from showing itself. */
  readonly upkeep: pg.Pool;
  /** Drops all connections: the server, or the way to it, is silent. New ones are opened as they are needed. */
  cut(): void;
  end(): Promise<void>;
}

export function openPools(databaseUrl: string, log: EngineLog): Pools {
  const clients = new Set<pg.ClientBase>();
  const cut = () => {
    for (const client of clients) cutClient(client);
  };
  const pools = {
    reads: openPool(databaseUrl, log, 6, 30_000),
    upkeep: openPool(databaseUrl, log, 2, 10_000),
  };
  for (const pool of Object.values(pools)) {
    pool.on("connect", (client) => {
      clients.add(client);
      client.once("end", () => clients.delete(client));
    });
  }
  return {
    ...pools,
    cut,
    async end() {
      const stopTimer = startTimer(GOODBYE_MS, cut);
      await Promise.all([pools.reads.end(), pools.upkeep.end()]);
      await Promise.all(Array.from(clients, (client) => once(client, "end")));
      stopTimer();
    },
  };
}

function openPool(databaseUrl: string, log: EngineLog, size: number, statementTimeoutMs: number): pg.Pool {
  const pool = new pg.Pool({
    ...CONNECTION,
    connectionString: databaseUrl,
    max: size,
    application_name: "hydra engine",
    // Longer than the server's own limit: one that is silent is not waited for.
    query_timeout: statementTimeoutMs + 1_000,
    verify: (client, done) => {
      // A plan made while a table was small must not stay when it has grown.
      const settings = `set plan_cache_mode = force_custom_plan; ${sessionSettings(statementTimeoutMs)}`;
      client.query(settings, (error: Error | null) => done(error ?? undefined));
    },
  });
  // A pool that has ended no longer listens, but its connections may still break.
  pool.on("connect", (client) => client.on("error", () => {}));
  pool.on("error", ({ message }) => log.debug({ reason: message }, "an idle database connection broke"));
  return pool;
}
