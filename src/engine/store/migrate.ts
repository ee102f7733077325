import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";
import type { EngineLog } from "../api.ts";
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

/** Takes away what servers of the releases before use: they must not run any more. Others only add. */
const CONTRACTS = /^\d+_contract_/;

/** How a schema stands after `migrate`. */
export interface Migrated {
  /** Names of migrations that a newer release has applied; this one knows nothing of what they added. */
  readonly newer: readonly string[];
}

/**
 * Brings a schema up to date: forward only, in one transaction. Started many
 * times at once, one does the work and the others wait for it. A schema that a
 * newer release has added to is left as it is.
 * Throws a TerminalError where Postgres is too old or behind a pooler that shares
 * its sessions, or a newer release has taken away what this one needs.
 */
export async function migrate(options: MigrateOptions): Promise<Migrated> {
  const client = new pg.Client({ ...CONNECTION, connectionString: options.databaseUrl });
  // An error of the connection also rejects the query it hits.
  client.on("error", () => {});
  await client.connect();
  try {
    await assertOwnSession(client, options.databaseUrl);
    await client.query(sessionSettings());
    await assertServerVersion(client, options.oldestPostgres ?? OLDEST_POSTGRES);
    // Shared, so that servers do not wait for each other, but for one that migrates: it may be of a newer release.
    await client.query("select pg_advisory_lock_shared($1::bigint)", [MIGRATION_LOCK]);
    const before = await standing(client, options);
    if (before.isComplete) return before;
    await client.query("select pg_advisory_unlock_shared($1::bigint)", [MIGRATION_LOCK]);
    // The library's own lock gives up at once where another process migrates.
    await client.query("select pg_advisory_lock($1::bigint)", [MIGRATION_LOCK]);
    const now = await standing(client, options);
    if (!now.isComplete) await apply(client, options);
    return now;
  } finally {
    await client.end().catch(() => {});
  }
}

async function apply(client: pg.Client, { dir, schema }: MigrateOptions): Promise<void> {
  // A server that starts on a schema that is up to date, as nearly always, does without loading it.
  const { runner } = await import("node-pg-migrate");
  crashPoint("migration:before");
  await runner({
    dbClient: client,
    dir: fileURLToPath(dir),
    direction: "up",
    schema,
    createSchema: true,
    migrationsSchema: schema,
    createMigrationsSchema: true,
    migrationsTable: "migrations",
    noLock: true,
    singleTransaction: true,
    // It tells of each migration, inside its transaction.
    logger: { debug() {}, info: () => crashPoint("migration:open"), warn() {}, error() {} },
  });
  crashPoint("migration:committed");
}

/** Says so where a newer release has added to the schema. */
export function warnOfNewer(log: EngineLog, { newer }: Migrated): void {
  if (newer.length === 0) return;
  log.warn(
    { migrations: newer },
    "a newer release of hydra has added to the database: this one goes on, and is to be replaced by that release as well",
  );
}

interface Standing extends Migrated {
  /** All that this release has is applied. */
  readonly isComplete: boolean;
}

/** How the schema stands now. Throws a TerminalError where a newer release has taken away what this one needs. */
async function standing(client: pg.Client, { dir, schema }: MigrateOptions): Promise<Standing> {
  const known = (await readdir(dir)).filter((file) => file.endsWith(".sql")).map((file) => file.slice(0, -4));
  const applied = await appliedTo(client, schema);
  const newer = applied.filter((name) => !known.includes(name));
  assertUsable(newer);
  return { newer, isComplete: known.every((name) => applied.includes(name)) };
}

async function appliedTo(client: pg.Client, schema: string): Promise<string[]> {
  const table = `${client.escapeIdentifier(schema)}.migrations`;
  const { rows: found } = await client.query<{ there: boolean }>("select to_regclass($1) is not null as there", [
    table,
  ]);
  if (!found[0]?.there) return [];
  const { rows } = await client.query<{ name: string }>(`select name from ${table} order by id`);
  return rows.map(({ name }) => name);
}

function assertUsable(newer: readonly string[]): void {
  const contracts = newer.filter((name) => CONTRACTS.test(name));
  if (contracts.length === 0) return;
  throw new TerminalError(
    `the database belongs to a newer release of hydra, which has taken away what this one needs (${contracts.join(", ")}): ` +
      "start that release, or restore a backup from before its upgrade",
    "conflict",
  );
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
