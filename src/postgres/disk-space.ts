import { statfs } from "node:fs/promises";

/** Postgres needs about one segment of its log of changes to start at all. */
const FULL_BYTES = 16 * 1024 * 1024;

/** By the time of the error the space may be free again: initdb removes what it wrote. */
const FULL_MESSAGE = /No space left on device|Check free disk space/;

/**
 * A sentence to end an error with where the disk is full, else nothing. A server
 * that dies of a full disk often cannot write into its log why.
 */
export async function fullDiskHint(directory: string, messages: string): Promise<string> {
  if (!FULL_MESSAGE.test(messages) && !(await isFull(directory))) return "";
  return `\nThe disk that holds ${directory} is full. Free some space, or choose another directory with --data-dir.`;
}

async function isFull(directory: string): Promise<boolean> {
  const disk = await statfs(directory).catch(() => undefined);
  return disk !== undefined && disk.bavail * disk.bsize <= FULL_BYTES;
}
