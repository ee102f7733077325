import type pg from "pg";
import type { EngineLog } from "../api.ts";
import { startTimer } from "../timer.ts";
import { openPool } from "./cuttable-pool.ts";
import { GOODBYE_MS } from "./goodbye.ts";

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
  const common = {
    databaseUrl,
    applicationName: "hydra engine",
    // A plan made while a table was small must not stay when it has grown.
    settings: "set plan_cache_mode = force_custom_plan; ",
    log,
  };
  const reads = openPool({ ...common, max: 6, statementTimeoutMs: 30_000 });
  const upkeep = openPool({ ...common, max: 2, statementTimeoutMs: 10_000 });
  const cut = () => {
    reads.cut();
    upkeep.cut();
  };
  return {
    reads: reads.pool,
    upkeep: upkeep.pool,
    cut,
    async end() {
      const stopTimer = startTimer(GOODBYE_MS, cut);
      await Promise.all([reads.end(), upkeep.end()]).finally(stopTimer);
    },
  };
}
