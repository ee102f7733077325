import { realpath } from "node:fs/promises";
import { clusterDirOf } from "./cluster.ts";
import { databaseUrl } from "./database.ts";
import { readPostmasterFile } from "./postmaster-file.ts";
import { isAlive } from "./process-life.ts";

/**
 * Address of the embedded Postgres that some hydra runs on `dataDir` right now.
 *
 * @returns undefined where none runs, or it is not ready yet.
 */
export async function findEmbeddedPostgres(dataDir: string): Promise<string | undefined> {
  const directory = await realpath(dataDir).catch(() => dataDir);
  const file = await readPostmasterFile(clusterDirOf(directory));
  return file?.ready && isAlive(file.pid) ? databaseUrl(file.socketDir) : undefined;
}
