import { statfs } from "node:fs/promises";
import { DiskFullError, EmbeddedPostgresError } from "./errors.ts";

/** Postgres needs about one segment of its log of changes to start at all. */
const FULL_BYTES = 16 * 1024 * 1024;

/** By the time of the error the space may be free again: initdb removes what it wrote. */
const FULL_MESSAGE = /No space left on device|Check free disk space/;

/**
 * The error for a program that ended with these `messages`: where the disk is
 * full, it says so at its end. A server that dies of a full disk often cannot
 * write into its log why.
 */
export async function endedError(text: string, directory: string, messages: string): Promise<EmbeddedPostgresError> {
  if (!FULL_MESSAGE.test(messages) && !(await isDiskFull(directory))) return new EmbeddedPostgresError(text);
  return new DiskFullError(
    `${text}\nThe disk that holds ${directory} is full. Free some space, or choose another directory with --data-dir.`,
  );
}

/** Whether the disk that holds a directory has too little room for Postgres. */
export async function isDiskFull(directory: string): Promise<boolean> {
  const disk = await statfs(directory).catch(() => undefined);
  return disk !== undefined && disk.bavail * disk.bsize <= FULL_BYTES;
}
