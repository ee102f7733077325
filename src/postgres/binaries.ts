import { execFile } from "node:child_process";
import { cpSync } from "node:fs";
import { mkdir, mkdtemp, realpath, rename, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { EmbeddedPostgresError } from "./errors.ts";
import { ensureLibraryLinks } from "./library-links.ts";
import type { PlatformPackage } from "./platform-package.ts";
import type { ServerUser } from "./server-user.ts";

const run = promisify(execFile);

/**
 * Gives a directory with `bin/postgres` and `bin/initdb` that `user` can run:
 * the package itself where that works. It does not for root with a checkout
 * under a 0700 home, nor where the package is read-only and lacks its links;
 * then a copy is made once per version and kept in `cacheDir`.
 */
export async function prepareBinaries(
  source: PlatformPackage,
  user: ServerUser | undefined,
  cacheDir = defaultCacheDir(),
): Promise<string> {
  if ((await ensureLibraryLinks(source.nativeDir)) && (await whyNotRun(source.nativeDir, user)) === undefined) {
    return source.nativeDir;
  }
  const copy = path.join(cacheDir, `postgres-${source.version}-${source.platform}`);
  if ((await whyNotRun(copy, user)) === undefined) return copy;
  await copyBinaries(source, copy);
  const problem = await whyNotRun(copy, user);
  if (problem === undefined) return copy;
  throw new EmbeddedPostgresError(
    `The Postgres that comes with hydra does not run on this machine: ${problem}. ` +
      `Set DATABASE_URL to a Postgres 14 or later.`,
  );
}

/** Root's cache must be open to the server's user, which root's home is not. */
function defaultCacheDir(): string {
  if (process.getuid?.() === 0) return "/var/cache/hydra";
  return path.join(process.env["XDG_CACHE_HOME"] || path.join(os.homedir(), ".cache"), "hydra");
}

async function whyNotRun(directory: string, user: ServerUser | undefined): Promise<string | undefined> {
  try {
    await run(path.join(directory, "bin", "postgres"), ["--version"], { ...user, cwd: "/", env: {} });
    return undefined;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    return stderr?.trim() || message;
  }
}

async function copyBinaries(source: PlatformPackage, copy: string): Promise<void> {
  try {
    await mkdir(path.dirname(copy), { recursive: true });
    const partial = await mkdtemp(`${copy}.partial-`);
    try {
      await fillCopy(source.nativeDir, partial);
      await renameUnlessThere(partial, copy);
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  } catch (error) {
    throw new EmbeddedPostgresError(
      `The user that runs Postgres cannot use the binaries in ${source.nativeDir}, and they cannot be copied ` +
        `to ${copy}: ${(error as Error).message}. Make that directory writable, install hydra where every user ` +
        `can read it, or set DATABASE_URL.`,
      { cause: error },
    );
  }
}

async function fillCopy(nativeDir: string, copy: string): Promise<void> {
  // The synchronous call: it takes a sixth of the time of the other for the thousand files.
  cpSync(await realpath(nativeDir), copy, { recursive: true, verbatimSymlinks: true });
  await ensureLibraryLinks(copy);
  // A strict umask, here or at install time, leaves files that only their owner can read.
  await run("chmod", ["-R", "a+rX", copy]);
  await run("chmod", ["a+rx", path.dirname(copy)]);
}

/** A copy is there as a whole or not at all; one that another hydra finished meanwhile may be in use and stays. */
async function renameUnlessThere(partial: string, copy: string): Promise<void> {
  await rename(partial, copy).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
}
