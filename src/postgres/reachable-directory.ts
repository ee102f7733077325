import { closeSync, openSync } from "node:fs";
import path from "node:path";
import { EmbeddedPostgresError } from "./errors.ts";
import { DIRECTORY_FD } from "./guarded-process.ts";
import { canEnter, type ServerUser } from "./server-user.ts";

/** A directory as the server's user gets to it. */
export interface ReachableDirectory {
  /** Its name in the guarded process. */
  path: string;
  /** To be handed to the guarded process; undefined where the path is enough. */
  fd: number | undefined;
  close(): void;
}

/**
 * Opens a data directory for the server. A user who owns it but may not walk the
 * path to it (it lies in root's 0700 home) gets it as an open file: Linux leads
 * from `/proc/self/fd/N` straight to the directory. So the data stays where the
 * operator asked for it, and no permission of a home has to change.
 */
export async function openReachable(directory: string, user: ServerUser | undefined): Promise<ReachableDirectory> {
  if (await canEnter(user, path.dirname(directory))) {
    return { path: directory, fd: undefined, close() {} };
  }
  if (process.platform !== "linux") {
    throw new EmbeddedPostgresError(
      `Postgres does not run as root, and the user it runs as cannot get to ${directory}. ` +
        `Run hydra as an ordinary user, or choose a directory that every user can enter with --data-dir.`,
    );
  }
  const fd = openSync(directory, "r");
  return { path: `/proc/self/fd/${DIRECTORY_FD}`, fd, close: () => closeSync(fd) };
}
