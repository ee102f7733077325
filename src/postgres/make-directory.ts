import { mkdir, stat } from "node:fs/promises";
import path from "node:path";

/**
 * Makes a directory and those above it, unless they are there. Node's own `recursive` never comes to an end where a
 * directory exists and yet nothing can be made in it, as in `/proc`.
 */
export async function makeDirectory(directory: string): Promise<void> {
  try {
    await makeOne(directory);
  } catch (error) {
    const parent = path.dirname(directory);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || parent === directory) throw error;
    await makeDirectory(parent);
    await makeOne(directory);
  }
}

async function makeOne(directory: string): Promise<void> {
  try {
    await mkdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST" || !(await stat(directory)).isDirectory()) throw error;
  }
}
