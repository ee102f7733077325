import pg from "pg";
import { TerminalError } from "../errors.ts";
import { closeClient } from "./goodbye.ts";
import { ANSWER_MS, CONNECTION, inTime } from "./session.ts";

/**
 * Refuses a pooler that shares sessions of Postgres between its clients, one
 * transaction at a time: advisory locks, LISTEN, settings and prepared
 * statements need one that stays. Sets nothing in a session that may be shared.
 * `client` has just been opened, and has not been used. Throws a TerminalError.
 */
export async function assertOwnSession(client: pg.Client, databaseUrl: string): Promise<void> {
  // The server told the same number when it let us in: nobody is in between. A pooler tells one of its own.
  if ((await backendOf(client)) === (client as unknown as { processID: number | null }).processID) return;
  const own = await sessionOf(client);
  const other = new pg.Client({ ...CONNECTION, connectionString: databaseUrl, query_timeout: ANSWER_MS });
  other.on("error", () => {});
  try {
    await other.connect();
    // One of these two is told of a shared session, whatever order the pooler gives them out in: the same one to both,
    // or, if it has several and gives them out in turns, not the same one each time.
    const others = await sessionOf(other);
    const later = [await sessionOf(client), await sessionOf(client)];
    if (others === own || later.some((session) => session !== own)) throw sharedSession();
  } finally {
    await closeClient(other);
  }
}

async function backendOf(client: pg.Client): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>(inTime("select pg_backend_pid() as pid"));
  return rows[0]?.pid;
}

/** Names a session of Postgres; no other ever has the same name. */
async function sessionOf(client: pg.Client): Promise<string | undefined> {
  const text = `select concat(pid, ' ', backend_start) as name from pg_stat_activity where pid = pg_backend_pid()`;
  const { rows } = await client.query<{ name: string }>(inTime(text));
  return rows[0]?.name;
}

function sharedSession(): TerminalError {
  return new TerminalError(
    "the database is behind a pooler that shares its sessions, such as pgbouncer in transaction mode; hydra needs " +
      "sessions of its own, for locks, notifications and prepared statements: use pool_mode = session, or a direct " +
      "connection",
    "unavailable",
  );
}
