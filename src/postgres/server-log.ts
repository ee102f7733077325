import { closeSync, copyFileSync, fstatSync, ftruncateSync, openSync, readSync, rmSync } from "node:fs";

/** At this size the log is moved to `postgres.log.1`, so that the two never hold much more than twice as much. */
const LIMIT_BYTES = 8 * 1024 * 1024;
const CHECK_MS = 10_000;
const TAIL_BYTES = 4096;
const TAIL_LINES = 12;

/** The file that Postgres writes its messages to. */
export interface ServerLog {
  readonly file: string;
  readonly fd: number;
  /** The last lines that were written since the log was opened. */
  tail(): string;
  close(): void;
}

/**
 * Opens the log and keeps it short. Postgres writes straight into the file and
 * not through hydra: its last words reach the disk even where hydra is dead, and
 * a busy hydra holds up no session.
 */
export function openServerLog(file: string): ServerLog {
  // Appending: after a truncation the next message goes to the new end.
  const fd = openSync(file, "a+", 0o600);
  shorten(file, fd);
  const start = fstatSync(fd).size;
  const timer = setInterval(() => shorten(file, fd), CHECK_MS).unref();
  return {
    file,
    fd,
    tail: () => readTail(fd, start),
    close() {
      clearInterval(timer);
      closeSync(fd);
    },
  };
}

/** Postgres holds the file open and cannot be told to open another: the contents move, the file stays. */
function shorten(file: string, fd: number): void {
  try {
    if (fstatSync(fd).size < LIMIT_BYTES) return;
    keepCopy(file);
    ftruncateSync(fd);
  } catch {
    // A disk that became read-only: a log that is too long is no reason to end.
  }
}

function keepCopy(file: string): void {
  try {
    copyFileSync(file, `${file}.1`);
  } catch {
    // A full disk, most likely: then the old lines are worth least.
    rmSync(`${file}.1`, { force: true });
  }
}

function readTail(fd: number, start: number): string {
  const { size } = fstatSync(fd);
  // A log that was shortened meanwhile is all new.
  const from = Math.max(start <= size ? start : 0, size - TAIL_BYTES);
  const bytes = Buffer.alloc(size - from);
  readSync(fd, bytes, 0, bytes.length, from);
  return bytes.toString("utf8").trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
}
