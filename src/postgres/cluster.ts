// The cluster: the directory that Postgres itself keeps its data in.

import { execFile } from "node:child_process";
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { EmbeddedPostgresError } from "./errors.ts";
import { createCluster, type ClusterOptions } from "./initdb.ts";
import type { ServerUser } from "./server-user.ts";

const run = promisify(execFile);

/** hydra's data directory holds the cluster, its log and the launcher lock side by side. */
export function clusterDirOf(dataDir: string): string {
  return path.join(dataDir, "postgres");
}

/**
 * Creates the cluster if it is not there yet.
 *
 * @throws EmbeddedPostgresError if it was written by another major version, or is no cluster.
 */
export async function ensureCluster(options: ClusterOptions): Promise<void> {
  const { clusterDir, major, user } = options;
  const version = await readVersion(clusterDir);
  if (version === undefined) {
    await createCluster(options);
  } else if (version !== major) {
    throw otherVersion(clusterDir, version, major);
  } else if (user !== undefined) {
    await giveTo(user, clusterDir);
  }
}

/** Undefined where there is no cluster yet. */
async function readVersion(clusterDir: string): Promise<string | undefined> {
  try {
    return (await readFile(path.join(clusterDir, "PG_VERSION"), "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const names = await readdir(clusterDir).catch(() => []);
    if (names.length === 0) return undefined;
    throw new EmbeddedPostgresError(
      `${clusterDir} holds no data of Postgres (there is no file PG_VERSION) but is not empty. ` +
        `Remove it, or choose another directory with --data-dir.`,
      { cause: error },
    );
  }
}

/** A backup that root copied back belongs to root, and Postgres insists on its own user. */
async function giveTo(user: ServerUser, clusterDir: string): Promise<void> {
  const { uid } = await stat(clusterDir);
  if (uid !== user.uid) await run("chown", ["-R", `${user.uid}:${user.gid}`, clusterDir]);
}

function otherVersion(clusterDir: string, version: string, major: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `The data in ${clusterDir} was written by Postgres ${version}, and this hydra brings Postgres ${major}, ` +
      `which cannot read it. To keep the data: start the hydra that wrote it and save the database with ` +
      `\`pg_dump --clean --if-exists "$(hydra db url)" > hydra.sql\`; then start this hydra with a new --data-dir, ` +
      `load it with \`psql "$(hydra db url)" < hydra.sql\`, and restart. To start over, choose a new --data-dir.`,
  );
}
