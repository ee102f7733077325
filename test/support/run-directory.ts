import { access, constants, mkdtemp, readdir, rm, statfs } from "node:fs/promises";
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
    if (owner !== undefined && !isAlive(Number(owner)))
      await rm(path.join(parent, name), { recursive: true, force: true });
  }
  return mkdtemp(path.join(parent, `${prefix}-${process.pid}-`));
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
