import { spawn } from "node:child_process";
import { once } from "node:events";
import { stat, writeFile } from "node:fs/promises";
import path from "node:path";
import pg from "pg";
import { eventually } from "../support/eventually.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { freePort } from "../kube/free-port.ts";

/** A pgbouncer in front of a Postgres. */
export interface Pgbouncer extends AsyncDisposable {
  /** Address of the same database, through it. */
  readonly url: string;
}

export interface PgbouncerOptions {
  readonly poolMode: "session" | "transaction" | "statement";
  /** Sessions of Postgres that it opens at most. */
  readonly poolSize: number;
  /** Gives them out in turns. Default: the one that was used last goes first. */
  readonly takesTurns?: boolean;
}

/** Starts it with what Debian's package has, and waits until it leads to the database. */
export async function startPgbouncer(databaseUrl: string, options: PgbouncerOptions): Promise<Pgbouncer> {
  const { host, port, user, password, database } = new pg.Client({ connectionString: databaseUrl });
  const directory = await createTemporaryDirectory();
  const listenPort = await freePort();
  const file = path.join(directory.path, "pgbouncer.ini");
  const target = [`host=${host}`, `port=${port}`, `user=${user}`, ...(password ? [`password=${password}`] : [])];
  await writeFile(
    file,
    `[databases]
* = ${target.join(" ")}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = any
pool_mode = ${options.poolMode}
default_pool_size = ${options.poolSize}
server_round_robin = ${options.takesTurns ? 1 : 0}
`,
  );
  const bouncer = spawn("pgbouncer", ["--quiet", file], { ...(await userFor(host)), stdio: "ignore" });
  const exited = once(bouncer, "exit");
  const url = new URL(`postgres://somebody@127.0.0.1:${listenPort}/${database}`).href;
  await eventually(() => connects(url), { timeoutMs: 30_000 });
  return {
    url,
    async [Symbol.asyncDispose]() {
      bouncer.kill("SIGKILL");
      await exited;
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** It does not run as root; and only the user that runs an embedded Postgres gets to its socket. */
async function userFor(host: string): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = host.startsWith("/") ? await stat(host) : undefined;
  return owner ? { uid: owner.uid, gid: owner.gid } : { uid: 65_534, gid: 65_534 };
}

async function connects(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  try {
    await client.connect();
    return true;
  } finally {
    await client.end();
  }
}
