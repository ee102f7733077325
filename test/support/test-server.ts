import { randomBytes } from "node:crypto";
import { chmod, rm } from "node:fs/promises";
import pg from "pg";
import { engineMigrations, migrate } from "../../src/engine/index.ts";
import { startEmbeddedPostgres } from "../../src/postgres/index.ts";
import { rolloutMigrations } from "../../src/rollout/index.ts";
import { createRunDirectory } from "./run-directory.ts";

/** The Postgres of one test run, and on it the database that the tests clone. */
export interface TestServer {
  /** A user that may create databases. */
  adminUrl: string;
  /** A database with all migrations applied, and nobody connected. */
  template: string;
  /** Removes every database of the run, then the server where it is ours. */
  stop(): Promise<void>;
}

/**
 * Starts an embedded Postgres in a temporary directory, or takes the server at
 * TEST_DATABASE_URL, whose user must be allowed to create databases.
 */
export async function startTestServer(): Promise<TestServer> {
  const given = process.env["TEST_DATABASE_URL"];
  const server = given === undefined ? await startOwnServer() : { adminUrl: given, stop: async () => {} };
  const prefix = `hydra_test_${randomBytes(4).toString("hex")}`;
  const stop = async () => {
    try {
      await dropDatabases(server.adminUrl, prefix);
    } finally {
      await server.stop();
    }
  };
  try {
    return { adminUrl: server.adminUrl, template: await createTemplate(server.adminUrl, prefix), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startOwnServer(): Promise<{ adminUrl: string; stop(): Promise<void> }> {
  const dataDir = await createRunDirectory("hydra-test-server");
  const removeDirectory = () => rm(dataDir, { recursive: true, force: true });
  try {
    await chmod(dataDir, 0o755);
    // The run may lose its data, and many test files connect at once.
    const settings = { fsync: "off", synchronous_commit: "off", full_page_writes: "off", max_connections: "400" };
    const server = await startEmbeddedPostgres({ dataDir, settings });
    return { adminUrl: server.url, stop: () => server.stop().then(removeDirectory) };
  } catch (error) {
    await removeDirectory();
    throw error;
  }
}

async function createTemplate(adminUrl: string, prefix: string): Promise<string> {
  const template = `${prefix}_template`;
  await withAdmin(adminUrl, (admin) => admin.query(`create database ${template} template template0`));
  const databaseUrl = withDatabase(adminUrl, template);
  await migrate({ databaseUrl, ...engineMigrations });
  await migrate({ databaseUrl, ...rolloutMigrations });
  return template;
}

async function dropDatabases(adminUrl: string, prefix: string): Promise<void> {
  await withAdmin(adminUrl, async (admin) => {
    const { rows } = await admin.query<{ datname: string }>(
      "select datname from pg_database where starts_with(datname, $1::text)",
      [prefix],
    );
    for (const { datname } of rows) await admin.query(`drop database if exists ${datname} with (force)`);
  });
}

/** The same server, another database. */
export function withDatabase(url: string, database: string): string {
  const result = new URL(url);
  result.pathname = `/${database}`;
  return result.href;
}

/** Runs `use` on a connection of its own. */
export async function withAdmin<T>(adminUrl: string, use: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.end();
  }
}
