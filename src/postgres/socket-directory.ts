import { createHash } from "node:crypto";
import { constants, mkdir, open, readdir, rm, rmdir } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { EmbeddedPostgresError } from "./errors.ts";
import { canEnter, type ServerUser } from "./server-user.ts";

/** A socket's path has at most 103 bytes on macOS and 107 on Linux; `/.s.PGSQL.5432` needs 14 of them. */
const MAX_BYTES = 88;

/**
 * Makes the directory for the server's socket, which only its user (and root)
 * can enter: whoever reaches the socket is let in without a password.
 *
 * It lies in the directory for temporary files, since a data directory's path
 * may be too long, or on a file system without sockets. Its name follows from
 * the data directory, so a restart leaves the address of the database as it was.
 */
export async function prepareSocketDir(dataDir: string, user: ServerUser | undefined): Promise<string> {
  const id = createHash("sha256").update(dataDir).digest("hex").slice(0, 12);
  const directory = path.join(await chooseParent(user), `hydra-${id}`);
  await mkdir(directory, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await takeOver(directory, user);
  await removeSockets(directory);
  return directory;
}

async function chooseParent(user: ServerUser | undefined): Promise<string> {
  const parent = os.tmpdir();
  const fits = Buffer.byteLength(parent) + "/hydra-123456789012".length <= MAX_BYTES;
  // Postgres reads the setting as a list of names, so only a plain name goes in unchanged.
  const plain = /^[\w./+-]+$/.test(parent);
  return fits && plain && (await canEnter(user, parent)) ? parent : "/tmp";
}

/**
 * Everybody may write in /tmp: somebody else may have made this directory first,
 * or put a link in its place, even between two calls. So it is opened once,
 * never through a link, and what was opened is looked at and changed.
 */
async function takeOver(directory: string, user: ServerUser | undefined): Promise<void> {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  const handle = await open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch((error: Error) => {
    throw notOurs(directory, error);
  });
  try {
    const { uid } = await handle.stat();
    if (uid !== process.getuid?.() && uid !== user?.uid) throw notOurs(directory);
    if (user !== undefined) await handle.chown(user.uid, user.gid);
    await handle.chmod(0o700);
  } finally {
    await handle.close();
  }
}

function notOurs(directory: string, cause?: Error): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `${directory}, where the socket of Postgres belongs, was made by another user. ` +
      `Remove it, or set TMPDIR to a directory of your own.`,
    { cause },
  );
}

/** Removes the directory with what a killed Postgres may have left in it; may be called twice. */
export async function removeSocketDir(directory: string): Promise<void> {
  await removeSockets(directory);
  // What is not ours stays, and its directory with it.
  await rmdir(directory).catch(() => undefined);
}

/** The socket and its lock file, which names a pid: Postgres would take any process with that number for its owner. */
async function removeSockets(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  const sockets = names.filter((name) => name.startsWith(".s.PGSQL."));
  await Promise.all(sockets.map((name) => rm(path.join(directory, name), { force: true })));
}
