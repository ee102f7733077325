import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { endedError } from "./disk-space.ts";
import { EmbeddedPostgresError } from "./errors.ts";
import { startGuarded, type GuardedProcess } from "./guarded-process.ts";
import { readPostmasterFile } from "./postmaster-file.ts";
import { endProcess, POSTGRES_STOP } from "./process-life.ts";
import { openReachable } from "./reachable-directory.ts";
import type { ServerLog } from "./server-log.ts";
import { serverArguments } from "./server-settings.ts";
import type { ServerUser } from "./server-user.ts";

const POLL_MS = 5;
const REPORT_MS = 5_000;

export interface ServerOptions {
  clusterDir: string;
  socketDir: string;
  /** Has `bin/postgres`. */
  binariesDir: string;
  user: ServerUser | undefined;
  lockFd: number;
  settings: Record<string, string>;
  serverLog: ServerLog;
}

/** Starts `postgres` on a cluster that nothing else works on. */
export async function spawnServer(options: ServerOptions): Promise<GuardedProcess> {
  const { clusterDir, socketDir, binariesDir, user, lockFd, settings, serverLog } = options;
  const directory = await openReachable(clusterDir, user);
  try {
    return await startGuarded({
      program: path.join(binariesDir, "bin", "postgres"),
      args: ["-D", directory.path, ...serverArguments(socketDir, settings)],
      user,
      lockFd,
      directoryFd: directory.fd,
      socketDir,
      output: serverLog.fd,
    });
  } finally {
    directory.close();
  }
}

/**
 * Resolves once the server accepts connections. There is no time limit: after a
 * crash it first replays its log of changes, and giving up would only start that over.
 *
 * @throws EmbeddedPostgresError with the last lines of its log if it ends instead.
 */
export async function waitUntilReady(
  server: GuardedProcess,
  clusterDir: string,
  serverLog: ServerLog,
  log: (message: string) => void,
): Promise<void> {
  let reportAt = Date.now() + REPORT_MS;
  while (!server.ended) {
    const file = await readPostmasterFile(clusterDir);
    if (file?.pid === server.pid && file.ready) return;
    if (Date.now() > reportAt) {
      log("waiting for Postgres: it replays what it had not written when it was killed");
      reportAt += REPORT_MS;
    }
    await delay(POLL_MS);
  }
  const { code, signal } = await server.exited;
  const messages = serverLog.tail();
  throw await endedError(
    `Postgres ended while it was starting (${signal ?? `exit code ${code}`}). ` +
      `The last messages in its log ${serverLog.file}:\n${messages || "(none)"}`,
    clusterDir,
    messages,
  );
}

/** Ends the server, gently if it can be, and waits until it and its guard are gone. */
export async function stopServer(server: GuardedProcess): Promise<void> {
  server.ref();
  // One that ended before may have given its pid to another process by now.
  if (!server.ended && !(await endProcess(server.pid, POSTGRES_STOP))) {
    throw new EmbeddedPostgresError(`Postgres (pid ${server.pid}) cannot be stopped, not even with SIGKILL.`);
  }
  await server.gone;
}
