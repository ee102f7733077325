// What a hydra that was killed together with its guard leaves behind.
//
// Only ever called under the launcher lock: no live hydra and no guard looks
// after this data directory, so whatever Postgres still works on it is nobody's.

import { execFile } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { EmbeddedPostgresError } from "./errors.ts";
import { readPostmasterFile } from "./postmaster-file.ts";
import { endProcess, isAlive, POSTGRES_STOP, type StopStep } from "./process-life.ts";

const run = promisify(execFile);

/** Sessions of a postmaster that is dead already: there is no shutdown left to wait for. */
const SESSION_STOP: readonly StopStep[] = [
  { signal: "SIGQUIT", waitMs: 2_000 },
  { signal: "SIGKILL", waitMs: 5_000 },
];

/**
 * Clears the way for a new Postgres in `clusterDir`: stops a live postmaster and
 * sessions that outlived theirs, then removes the stale pid file. Postgres would
 * take any process with that number for a live postmaster, and refuse a file
 * that a full disk left empty.
 */
export async function stopOrphans(clusterDir: string, log: (message: string) => void): Promise<void> {
  const file = await readPostmasterFile(clusterDir);
  if (file !== undefined && (await isPostmaster(file.pid, clusterDir))) {
    log(`stopping the Postgres (pid ${file.pid}) that a killed hydra left running`);
    await end(file.pid, POSTGRES_STOP);
  }
  // Whatever the pid file says, or if somebody removed it: two at work on one cluster would destroy it.
  const rest = postgresProcessesIn(clusterDir);
  await Promise.all(rest.map((pid) => end(pid, SESSION_STOP)));
  await rm(path.join(clusterDir, "postmaster.pid"), { force: true });
}

async function end(pid: number, steps: readonly StopStep[]): Promise<void> {
  if (await endProcess(pid, steps)) return;
  throw new EmbeddedPostgresError(
    `A Postgres (pid ${pid}) that an earlier hydra started still uses this data directory and cannot be stopped. ` +
      `End it by hand, perhaps as the user it runs under, then start hydra again.`,
  );
}

async function isPostmaster(pid: number, clusterDir: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  if (process.platform === "linux") return isPostgresIn(pid, clusterDir);
  // The command line tells it: the postmaster keeps the arguments that hydra gave it.
  const command = await run("ps", ["-o", "command=", "-p", String(pid)]).catch(() => ({ stdout: "" }));
  return command.stdout.includes(`postgres -D ${clusterDir} `);
}

/** Linux only. Elsewhere nobody can tell whose a session is; it ends by itself once it looks for its postmaster. */
function postgresProcessesIn(clusterDir: string): number[] {
  if (process.platform !== "linux") return [];
  const pids = readdirSync("/proc").map(Number);
  return pids.filter((pid) => pid > 0 && isPostgresIn(pid, clusterDir));
}

/** All processes of a Postgres work in its data directory. Synchronous: /proc is no disk, and holds thousands. */
function isPostgresIn(pid: number, clusterDir: string): boolean {
  try {
    const name = readFileSync(`/proc/${pid}/comm`, "utf8");
    return name === "postgres\n" && readlinkSync(`/proc/${pid}/cwd`) === clusterDir;
  } catch {
    // It ended meanwhile, or belongs to a user whose processes are not ours to see.
    return false;
  }
}
