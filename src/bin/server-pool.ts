import type pg from "pg";
import type { Logger } from "pino";
import { openPool } from "../engine/index.ts";

/** Longer than the grace of calls at a stop. */
const STOP_PATIENCE_MS = 8_000;

/** Connections for what the server itself reads and writes; the engine has its own. */
export interface ServerPool {
  readonly pool: pg.Pool;
  /** The server stops: whatever has no answer after the patience is given up, so that a silent database holds up nobody. */
  hurry(): void;
  end(): Promise<void>;
}

export function openServerPool(databaseUrl: string, log: Logger, patienceMs = STOP_PATIENCE_MS): ServerPool {
  const { pool, cut, end } = openPool({
    databaseUrl,
    max: 10,
    applicationName: "hydra",
    statementTimeoutMs: 30_000,
    log,
  });
  let timer: NodeJS.Timeout | undefined;
  return {
    pool,
    hurry() {
      timer ??= setTimeout(cut, patienceMs);
    },
    async end() {
      await end().finally(() => clearTimeout(timer));
    },
  };
}
