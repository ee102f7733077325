import { Client } from "pg";

/** The superuser and the database of hydra, both of this name. */
export const HYDRA = "hydra";

/** Where Postgres puts this number it names a file, not a TCP port. */
const PORT = 5432;

/**
 * Address of the database: `pg` and psql both understand it, a shell finds
 * nothing to expand in it, and the port keeps PGPORT out.
 */
export function databaseUrl(socketDir: string): string {
  return `postgres://${HYDRA}@${encodeURIComponent(socketDir)}:${PORT}/${HYDRA}`;
}

/** Connects once, which shows that the server answers, and makes the database if it is not there. */
export async function ensureDatabase(socketDir: string): Promise<void> {
  try {
    await withClient(socketDir, HYDRA, async () => {});
  } catch (error) {
    if (!isUnknownDatabase(error)) throw error;
    await withClient(socketDir, "template1", createDatabase);
  }
}

async function createDatabase(client: Client): Promise<void> {
  try {
    // The empty database of every new cluster: no 300 files to copy, which would take as long as a start.
    await client.query(`alter database postgres rename to ${HYDRA}`);
  } catch (error) {
    if (!isUnknownDatabase(error)) throw error;
    await client.query(`create database ${HYDRA}`);
  }
}

async function withClient(socketDir: string, database: string, use: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ host: socketDir, port: PORT, user: HYDRA, database, ssl: false });
  // A connection that is cut also rejects the call that was under way.
  client.on("error", () => {});
  try {
    await client.connect();
    await use(client);
  } finally {
    await client.end();
  }
}

function isUnknownDatabase(error: unknown): boolean {
  return (error as { code?: string }).code === "3D000";
}
