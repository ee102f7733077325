import { execFileSync } from "node:child_process";
import { access, constants, mkdtemp, readdir, rm, stat, statfs } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { isAlive } from "../../src/postgres/process-life.ts";

const MEMORY = "/dev/shm";
const ENOUGH_BYTES = 4 * 1024 ** 3;

/**
 * Makes a directory for the databases of this process, and removes those of the
 * same prefix whose process was killed: memory is too dear to leave them.
 */
export async function createRunDirectory(prefix: string): Promise<string> {
  const parent = await fastestDirectory();
  for (const name of await readdir(parent)) {
    const [, owner] = new RegExp(`^${prefix}-(\\d+)-`).exec(name) ?? [];
    if (owner !== undefined && !isAlive(Number(owner))) await removeLeftover(path.join(parent, name));
  }
  return mkdtemp(path.join(parent, `${prefix}-${process.pid}-`));
}

/** A small disk of a test that was killed is mounted still, and cannot be removed before. */
async function removeLeftover(directory: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    const inside = path.join(directory, name);
    const [own, outer] = await Promise.all([stat(inside), stat(directory)]).catch(() => []);
    if (own && outer && own.dev !== outer.dev) execFileSync("umount", ["--lazy", inside], { stdio: "ignore" });
  }
  await rm(directory, { recursive: true, force: true });
}

/**
 * In memory where there is room, as on most Linux machines. A disk makes a new
 * cluster or a clone take twice as long, and ext4 longer still after every
 * thousand files that were removed.
 */
async function fastestDirectory(): Promise<string> {
  try {
    await access(MEMORY, constants.W_OK);
    const { bavail, bsize } = await statfs(MEMORY);
    if (bavail * bsize > ENOUGH_BYTES) return MEMORY;
  } catch {
    // Not Linux, or not for us.
  }
  return os.tmpdir();
}
