// The launcher lock: at most one hydra works on a data directory.
//
// It is a lock of the kernel on the file `hydra.lock`, so it cannot outlive
// those who hold it, whatever kills them. The guard of a Postgres holds the same
// lock (it inherits the open file): after a kill -9 of hydra it is free exactly
// when that Postgres has been stopped and its traces are gone. The file names
// the hydra that holds it only so that an error can say who it is.

import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { EmbeddedPostgresError } from "./errors.ts";
import { isAlive } from "./process-life.ts";

/** How long the guard of a killed hydra may need to shut its Postgres down. */
const GUARD_WAIT_MS = 60_000;
const POLL_MS = 10;

export interface LauncherLock {
  /** The open file that carries the lock; whoever inherits it shares the lock. */
  readonly fd: number;
  /** Removes the file and frees the lock. */
  release(): void;
}

/**
 * Takes the lock; waits where only the guard of a killed hydra still has it.
 *
 * @throws EmbeddedPostgresError naming the process if a live hydra has it.
 */
export async function takeLauncherLock(dataDir: string): Promise<LauncherLock> {
  const file = path.join(dataDir, "hydra.lock");
  const deadline = Date.now() + GUARD_WAIT_MS;
  for (;;) {
    const fd = tryLock(file);
    if (fd !== undefined) return holdLock(file, fd);
    const holder = readHolder(file);
    // A dead holder: its guard is at work. No holder: one that has not written its name yet.
    const live = holder !== undefined && isAlive(holder);
    if (live || Date.now() > deadline) throw refusal(dataDir, holder);
    await delay(POLL_MS);
  }
}

/** The process that holds the lock, or was the last to hold it. */
function readHolder(file: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(file, "utf8"), 10) || undefined;
  } catch {
    return undefined;
  }
}

function holdLock(file: string, fd: number): LauncherLock {
  try {
    ftruncateSync(fd);
    writeSync(fd, `${process.pid}\n`, 0);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return {
    fd,
    release() {
      // While it is still locked, and unless somebody removed the directory and started anew.
      if (isFileAt(file, fd)) unlinkSync(file);
      closeSync(fd);
    },
  };
}

function isFileAt(file: string, fd: number): boolean {
  return statSync(file, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino;
}

function tryLock(file: string): number | undefined {
  const fd = process.platform === "darwin" ? openExclusive(file) : openAndFlock(file);
  if (fd === undefined) return undefined;
  // The last holder removes the file: a lock on the removed one is worth nothing.
  if (isFileAt(file, fd)) return fd;
  closeSync(fd);
  return undefined;
}

/** macOS takes the lock as it opens the file. Node does not name these two flags of its `fcntl.h`. */
function openExclusive(file: string): number | undefined {
  const [O_NONBLOCK, O_EXLOCK] = [0x4, 0x20];
  try {
    return openSync(file, constants.O_RDWR | constants.O_CREAT | O_NONBLOCK | O_EXLOCK, 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
    throw error;
  }
}

/**
 * Node has no `flock`, but the lock belongs to the open file, not to a process:
 * the program `flock` takes it on a file that it inherits, and it stays with us.
 */
function openAndFlock(file: string): number | undefined {
  const fd = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o644);
  const result = spawnSync("flock", ["-n", "3"], {
    stdio: ["ignore", "ignore", "pipe", fd],
    encoding: "utf8",
  });
  if (result.status === 0) return fd;
  closeSync(fd);
  if (result.status === FLOCK_IS_TAKEN) return undefined;
  throw flockFailed(file, result);
}

/** Exit code of `flock` where another process has the lock. */
const FLOCK_IS_TAKEN = 1;

function flockFailed(file: string, { error, status, stderr }: SpawnSyncReturns<string>): EmbeddedPostgresError {
  const cause = error?.message ?? (stderr.trim() || `exit code ${status}`);
  return new EmbeddedPostgresError(
    `The embedded Postgres needs the program flock (of util-linux) and a file system that it works on: ` +
      `it could not lock ${file} (${cause}). Install it, choose another directory with --data-dir, ` +
      `or set DATABASE_URL to a Postgres 14 or later.`,
    { cause: error },
  );
}

function refusal(dataDir: string, holder: number | undefined): EmbeddedPostgresError {
  const who = holder === undefined ? "Another hydra" : `Another hydra (pid ${holder})`;
  return new EmbeddedPostgresError(
    `${who} is using the data directory ${dataDir}. Stop it, or give this one a directory of its own with --data-dir.`,
  );
}
