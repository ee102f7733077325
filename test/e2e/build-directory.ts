import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { isAlive } from "../../src/postgres/process-life.ts";
import type { TemporaryDirectory } from "../support/temporary-directory.ts";

/**
 * Makes a directory to build and run foreign programs in: not where temporary
 * files are, since nothing there may be executed on some machines. Removes
 * those of processes that were killed.
 */
export async function createBuildDirectory(): Promise<TemporaryDirectory> {
  const cache = process.env["XDG_CACHE_HOME"] || path.join(os.homedir(), ".cache");
  const parent = path.join(cache, "hydra-ci");
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent)) {
    const [, owner] = /^build-(\d+)-/.exec(name) ?? [];
    if (owner !== undefined && !isAlive(Number(owner))) await remove(path.join(parent, name));
  }
  const directory = await mkdtemp(path.join(parent, `build-${process.pid}-`));
  return { path: directory, [Symbol.asyncDispose]: () => remove(directory) };
}

function remove(directory: string): Promise<void> {
  return rm(directory, { recursive: true, force: true });
}
