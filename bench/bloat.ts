import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { createHydraClient, SentinelRolloutState } from "../src/client/index.ts";
import { createEngine } from "../src/engine/index.ts";
import { deleteOldChanges, deleteOldHistory } from "../src/rollout/index.ts";
import type { BenchPostgres } from "./database.ts";
import { startDevProcess } from "./server-process.ts";

const ROLLOUTS = 10;
const LARGEST_SHOWN = 10;
/**
 * Autovacuum has nothing to do for so long. A connection that falls idle may keep what it knows of dead rows to itself for ten
 * seconds (PGSTAT_IDLE_INTERVAL of Postgres), and autovacuum does not know of them before.
 */
const QUIET_MS = 12_000;

/** In bytes, with indexes. */
export interface DatabaseSizes {
  readonly database: number;
  readonly tables: ReadonlyMap<string, number>;
}

export interface BloatFigures {
  readonly first: DatabaseSizes;
  readonly last: DatabaseSizes;
  /** The tables that were the largest at the end, or grew most. */
  readonly shown: readonly string[];
}

/**
 * Sizes after the first and after the tenth rollout of the same fleet. After each, everything that retention may delete is
 * deleted, and autovacuum, with its thresholds as they are but looking every second, has done what it wants to.
 */
export async function measureBloat(postgres: BenchPostgres, sentinels: number): Promise<BloatFigures> {
  const databaseUrl = await postgres.createDatabase(`bloat_${sentinels}`);
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  await pool.query("alter system set autovacuum_naptime = '1s'");
  await pool.query("select pg_reload_conf()");
  const args = ["--sentinels", String(sentinels), "--converge", "0", "--deploy-timeout", "10m"];
  const server = await startDevProcess(args, { DATABASE_URL: databaseUrl, HYDRA_RETENTION: "2s" });
  try {
    const { rollouts } = createHydraClient({ baseUrl: server.url });
    let first: DatabaseSizes | undefined;
    for (let number = 1; number <= ROLLOUTS; number++) {
      const { state } = await rollouts.rollout({ image: `ghcr.io/acme/sentinel:v${number}` });
      if (state !== SentinelRolloutState.COMPLETED) throw new Error(`the rollout ended in state ${state}`);
      await runRetention(databaseUrl, pool);
      await autovacuumIsQuiet(pool);
      first ??= await sizesOf(pool);
    }
    const last = await sizesOf(pool);
    if (!first) throw new Error("nothing was measured");
    return { first, last, shown: [...last.tables.keys()].slice(0, LARGEST_SHOWN) };
  } finally {
    await server.stop();
    await pool.query("alter system reset autovacuum_naptime");
    await pool.end();
  }
}

/** The server deletes invocations by itself; history it would look for every ten minutes only. */
async function runRetention(databaseUrl: string, pool: pg.Pool): Promise<void> {
  const engine = createEngine({ databaseUrl, handlers: [] });
  await engine.start();
  await deleteOldHistory(engine, 0);
  await deleteOldChanges(engine, 0);
  await engine.stop();
  await until(async () => {
    const { rowCount } = await pool.query("select from engine.invocations where completed_at is not null limit 1");
    return rowCount === 0;
  });
}

async function autovacuumIsQuiet(pool: pg.Pool): Promise<void> {
  let busyAt = performance.now();
  await until(async () => {
    const { rowCount } = await pool.query("select from pg_stat_activity where backend_type = 'autovacuum worker'");
    if (rowCount !== 0) busyAt = performance.now();
    return performance.now() - busyAt > QUIET_MS;
  });
}

async function sizesOf(pool: pg.Pool): Promise<DatabaseSizes> {
  const database = await pool.query<{ size: string }>("select pg_database_size(current_database()) as size");
  const tables = await pool.query<{ name: string; size: string }>(
    `select schemaname || '.' || relname as name, pg_total_relation_size(relid) as size
       from pg_stat_user_tables order by size desc`,
  );
  return {
    database: Number(database.rows[0]?.size),
    tables: new Map(tables.rows.map(({ name, size }) => [name, Number(size)])),
  };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(100);
}
