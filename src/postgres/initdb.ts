import { chown, mkdtemp, open, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { HYDRA } from "./database.ts";
import { endedError } from "./disk-space.ts";
import { EmbeddedPostgresError } from "./errors.ts";
import { startGuarded } from "./guarded-process.ts";
import { openReachable } from "./reachable-directory.ts";
import type { ServerUser } from "./server-user.ts";

export interface ClusterOptions {
  clusterDir: string;
  /** Has `bin/initdb`. */
  binariesDir: string;
  /** Major version of these binaries. */
  major: string;
  user: ServerUser | undefined;
  lockFd: number;
  /** Whether the new cluster must survive a crash of the machine. */
  durable: boolean;
}

/**
 * Creates a cluster. All of it happens in a temporary directory that is renamed
 * at the end, so one that was interrupted is never taken for a whole one; what
 * an earlier attempt left is removed first.
 */
export async function createCluster(options: ClusterOptions): Promise<void> {
  const { clusterDir, user } = options;
  await removeLeftovers(clusterDir);
  const unfinished = await mkdtemp(`${clusterDir}${UNFINISHED}`);
  try {
    if (user !== undefined) await chown(unfinished, user.uid, user.gid);
    await runInitdb(unfinished, options);
    await rename(unfinished, clusterDir);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
  if (options.durable) await syncDirectory(path.dirname(clusterDir));
}

const UNFINISHED = ".unfinished-";

async function removeLeftovers(clusterDir: string): Promise<void> {
  const parent = path.dirname(clusterDir);
  const prefix = `${path.basename(clusterDir)}${UNFINISHED}`;
  const leftovers = (await readdir(parent)).filter((name) => name.startsWith(prefix));
  await Promise.all(leftovers.map((name) => rm(path.join(parent, name), { recursive: true, force: true })));
}

async function runInitdb(directory: string, options: ClusterOptions): Promise<void> {
  const { binariesDir, user, lockFd } = options;
  const target = await openReachable(directory, user);
  try {
    const initdb = await startGuarded({
      program: path.join(binariesDir, "bin", "initdb"),
      args: ["-D", target.path, ...initdbArguments(options.durable)],
      user,
      lockFd,
      directoryFd: target.fd,
      output: "pipe",
    });
    const messages = initdb.stderr === null ? "" : await text(initdb.stderr);
    const { code } = await initdb.exited;
    await initdb.gone;
    if (code !== 0) throw await initdbFailed(directory, messages);
  } finally {
    target.close();
  }
}

function initdbArguments(durable: boolean): string[] {
  // One sync of the file system at the end. A sync for each of the thousand files is as fast only on a disk that
  // answers in 0.1 ms; on the other hand it does not wait for what others wrote, an `npm ci` a moment ago, say.
  const sync = process.platform === "linux" ? ["--sync-method=syncfs"] : [];
  return [
    `--username=${HYDRA}`,
    // Only the socket's owner (and root) gets as far as being asked for a password.
    "--auth=trust",
    // The same order and the same characters on every machine, whatever its locale.
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
    ...(durable ? sync : ["--no-sync"]),
  ];
}

async function initdbFailed(directory: string, messages: string): Promise<EmbeddedPostgresError> {
  const parent = path.dirname(directory);
  const what = `The database could not be created in ${parent}. initdb says:\n${messages.trim()}`;
  if (messages.includes("effective user ID")) return new EmbeddedPostgresError(what + NAMELESS_USER_HINT);
  return await endedError(what, parent, messages);
}

/** A container that is run under a bare number. */
const NAMELESS_USER_HINT =
  "\nPostgres wants a user with a name. Give this one a line in /etc/passwd, run hydra as another user, " +
  "or set DATABASE_URL to a Postgres 14 or later.";

/** Makes the new name in a directory survive a crash of the machine. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
