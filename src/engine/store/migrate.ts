import { fileURLToPath } from "node:url";
import { runner } from "node-pg-migrate";
import pg from "pg";
import { crashPoint } from "../crash-points.ts";
import { TerminalError } from "../errors.ts";
import { assertOwnSession } from "./own-session.ts";
import { CONNECTION, sessionSettings } from "./session.ts";

const OLDEST_POSTGRES = 14;

// Any number, as long as nothing else in the database uses it.
const MIGRATION_LOCK = 7_240_115;

/** Where the engine's own tables come from. */
export const engineMigrations = { dir: new URL("../sql/", import.meta.url), schema: "engine" };

export interface MigrateOptions {
  databaseUrl: string;
  /** Folder of numbered SQL files. */
  dir: URL;
  /** Schema that the files fill; made if it is not there. Holds the table of applied migrations, too. */
  schema: string;
  /** Oldest major version of Postgres that will do. Default: 14. */
  oldestPostgres?: number;
}

/**
 * Brings a schema up to date: forward only, in one transaction. Started many
 * times at once, one does the work and the others wait for it.
 * Throws a TerminalError where the server is too old, or behind a pooler that shares its sessions.
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  const client = new pg.Client({ ...CONNECTION, connectionString: options.databaseUrl });
  // An error of the connection also rejects the query it hits.
  client.on("error", () => {});
  await client.connect();
  try {
    await assertOwnSession(client, options.databaseUrl);
    await client.query(sessionSettings());
    await assertServerVersion(client, options.oldestPostgres ?? OLDEST_POSTGRES);
    // The library's own lock gives up at once where another process migrates.
    await client.query("select pg_advisory_lock($1::bigint)", [MIGRATION_LOCK]);
    crashPoint("migration:before");
    await runner({
      dbClient: client,
      dir: fileURLToPath(options.dir),
      direction: "up",
      schema: options.schema,
      createSchema: true,
      migrationsSchema: options.schema,
      createMigrationsSchema: true,
      migrationsTable: "migrations",
      noLock: true,
      singleTransaction: true,
      // It tells of each migration, inside its transaction.
      logger: { debug() {}, info: () => crashPoint("migration:open"), warn() {}, error() {} },
    });
    crashPoint("migration:committed");
  } finally {
    await client.end().catch(() => {});
  }
}

async function assertServerVersion(client: pg.Client, oldest: number): Promise<void> {
  const { rows } = await client.query<{ version: string; number: string }>(
    "select current_setting('server_version') as version, current_setting('server_version_num') as number",
  );
  const [row] = rows;
  if (row && Number(row.number) < oldest * 10_000) {
    throw new TerminalError(`Postgres ${row.version} is too old: hydra needs ${oldest} or later`, "unavailable");
  }
}
