import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { EmbeddedPostgresError } from "./errors.ts";

const run = promisify(execFile);

/** The account that Postgres runs under. */
export interface ServerUser {
  uid: number;
  gid: number;
}

/**
 * Postgres refuses to run as root. Run by root, hydra gives it the account that
 * owns the data already, else `postgres`, else `nobody`.
 *
 * @returns undefined where hydra is not root: Postgres then runs as the same user.
 */
export async function chooseServerUser(clusterDir: string): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await stat(clusterDir).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const accounts = await readFile("/etc/passwd", "utf8").catch(() => "");
  const user = findAccount(accounts, "postgres") ?? findAccount(accounts, "nobody");
  if (user === undefined) {
    throw new EmbeddedPostgresError(
      "Postgres does not run as root, and this machine has neither a user `postgres` nor a user `nobody`. " +
        "Run hydra as an ordinary user, or set DATABASE_URL to a Postgres 14 or later.",
    );
  }
  return user;
}

function findAccount(accounts: string, name: string): ServerUser | undefined {
  const fields = accounts
    .split("\n")
    .find((line) => line.startsWith(`${name}:`))
    ?.split(":");
  const [uid, gid] = [Number(fields?.[2]), Number(fields?.[3])];
  return Number.isInteger(uid) && Number.isInteger(gid) ? { uid, gid } : undefined;
}

/**
 * Whether Postgres can enter a directory. Asked by trying, as that user:
 * permission bits alone do not know of ACLs or of what a mount forbids.
 */
export async function canEnter(user: ServerUser | undefined, directory: string): Promise<boolean> {
  if (user === undefined) return true;
  const attempt = run("/bin/sh", ["-c", 'cd "$1"', "sh", directory], { ...user, cwd: "/" });
  return attempt.then(
    () => true,
    () => false,
  );
}
