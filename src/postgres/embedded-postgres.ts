import { realpath } from "node:fs/promises";
import path from "node:path";
import { prepareBinaries } from "./binaries.ts";
import { clusterDirOf, ensureCluster } from "./cluster.ts";
import { databaseUrl, ensureDatabase } from "./database.ts";
import { DiskFullError, EmbeddedPostgresError } from "./errors.ts";
import type { ExitStatus } from "./guarded-process.ts";
import { takeLauncherLock } from "./launcher-lock.ts";
import { stopOrphans } from "./orphans.ts";
import { makeDirectory } from "./make-directory.ts";
import { findPlatformPackage } from "./platform-package.ts";
import { openServerLog } from "./server-log.ts";
import { chooseServerUser } from "./server-user.ts";
import { spawnServer, stopServer, waitUntilReady } from "./server.ts";
import { prepareSocketDir, removeSocketDir } from "./socket-directory.ts";

export interface EmbeddedPostgresOptions {
  /** Where everything is kept; made if it is not there. */
  dataDir: string;
  /** Settings of Postgres that win over the defaults, which are durable. */
  settings?: Record<string, string>;
  /** Told of what takes time or is out of the ordinary; silent by default. */
  log?: (message: string) => void;
}

/** A Postgres of hydra's own. It ends with hydra's process, however that ends. */
export interface EmbeddedPostgres {
  /** Address of the database `hydra`, over a socket that only this user and root can reach. */
  readonly url: string;
  readonly socketDir: string;
  readonly pid: number;
  /** Resolves when Postgres has ended, whoever ended it. Call `stop` all the same, to tidy up. */
  readonly exited: Promise<ExitStatus>;
  /** Ends all sessions, stops Postgres and waits until nothing of it is left. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts Postgres on a data directory, which is made at the first start, and
 * resolves once the database answers. Nothing that was committed is lost, no
 * matter how an earlier hydra on the directory ended. The process may end
 * without calling `stop`: a guard then stops Postgres.
 *
 * @throws EmbeddedPostgresError saying what is wrong and what to do; nothing stays behind then.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const cleanup = new Cleanup();
  try {
    return await start(options, cleanup);
  } catch (error) {
    // Where this fails too, the first error is the one to tell of.
    await cleanup.run().catch(() => undefined);
    throw toEmbeddedPostgresError(error, options.dataDir);
  }
}

async function start(
  { dataDir: givenDir, settings = {}, log = () => {} }: EmbeddedPostgresOptions,
  cleanup: Cleanup,
): Promise<EmbeddedPostgres> {
  const source = await findPlatformPackage();
  await makeDirectory(path.resolve(givenDir));
  // The lock and the socket go by the name of the directory: it must have but one.
  const dataDir = await realpath(givenDir);
  const clusterDir = clusterDirOf(dataDir);

  const lock = await takeLauncherLock(dataDir);
  cleanup.add(() => lock.release());
  const user = await chooseServerUser(clusterDir);
  const shared = { clusterDir, user, lockFd: lock.fd, binariesDir: await prepareBinaries(source, user) };
  await ensureCluster({ ...shared, major: source.major, durable: settings["fsync"] !== "off" });
  await stopOrphans(clusterDir, log);

  const serverLog = openServerLog(path.join(dataDir, "postgres.log"));
  cleanup.add(() => serverLog.close());
  const socketDir = await prepareSocketDir(dataDir, user);
  cleanup.add(() => removeSocketDir(socketDir));
  const server = await spawnServer({ ...shared, socketDir, settings, serverLog });
  cleanup.add(() => stopServer(server));
  await waitUntilReady(server, clusterDir, serverLog, log);
  await ensureDatabase(socketDir);
  server.unref();
  const { pid, exited } = server;
  return { url: databaseUrl(socketDir), socketDir, pid, exited, stop: () => cleanup.run() };
}

/** What has to be undone, last in first out. */
class Cleanup {
  readonly #steps: (() => void | Promise<void>)[] = [];
  #running: Promise<void> | undefined;

  add(step: () => void | Promise<void>): void {
    this.#steps.push(step);
  }

  /** Runs once. A step that fails keeps what it rests on: a Postgres that would not stop keeps the lock. */
  run(): Promise<void> {
    return (this.#running ??= this.#undo());
  }

  async #undo(): Promise<void> {
    for (const step of this.#steps.toReversed()) await step();
  }
}

/** As Node and as Postgres say it. */
const DISK_FULL: ReadonlySet<unknown> = new Set(["ENOSPC", "53100"]);

function toEmbeddedPostgresError(error: unknown, dataDir: string): EmbeddedPostgresError {
  if (error instanceof EmbeddedPostgresError) return error;
  const isFull = DISK_FULL.has((error as { code?: unknown }).code);
  return new (isFull ? DiskFullError : EmbeddedPostgresError)(
    `The embedded Postgres in ${dataDir} could not be started: ${(error as Error).message}. ` +
      `Choose another directory with --data-dir, or set DATABASE_URL to a Postgres 14 or later.`,
    { cause: error },
  );
}
