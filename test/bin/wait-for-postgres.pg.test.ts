import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { placeOf, waitForPostgres } from "../../src/bin/wait-for-postgres.ts";
import { createOwnedDatabase } from "../support/owned-database.ts";
import { query } from "../engine/support.ts";
import { createDatabase } from "../support/database.ts";

const signal = new AbortController().signal;

function recordingLog() {
  const messages: string[] = [];
  const write = (_fields: object, message: string) => void messages.push(message);
  return { messages, warn: write, info: write };
}

test("a Postgres that answers: resolves without a word", async () => {
  await using database = await createDatabase();
  const log = recordingLog();
  await waitForPostgres({ databaseUrl: database.url, waitMs: 0, log, signal });
  expect(log.messages).toEqual([]);
});

test("nobody there: waits, says so once, then names the place and not the password", async () => {
  const port = await freePort();
  const log = recordingLog();
  const databaseUrl = `postgres://hydra:hunter2@127.0.0.1:${port}/fleet`;
  const waiting = waitForPostgres({ databaseUrl, waitMs: 600, log, signal });
  await expect(waiting).rejects.toThrow(`no Postgres at 127.0.0.1:${port}/fleet`);
  await expect(waiting).rejects.not.toThrow("hunter2");
  expect(log.messages).toEqual(["waiting for Postgres"]);
});

test("a database that does not exist: refused at once", async () => {
  await using database = await createDatabase();
  const url = new URL(database.url);
  url.pathname = "/nowhere";
  const log = recordingLog();
  const waiting = waitForPostgres({ databaseUrl: url.href, waitMs: 60_000, log, signal });
  await expect(waiting).rejects.toThrow(/refuses hydra: database "nowhere" does not exist\. Check DATABASE_URL/);
  expect(log.messages).toEqual([]);
});

test("no connection left: waits, and then says of what there are too few", async () => {
  await using database = await createOwnedDatabase();
  await query(database.adminUrl, `alter role ${database.role} connection limit 0`);
  const log = recordingLog();
  const waiting = waitForPostgres({ databaseUrl: database.url, waitMs: 600, log, signal });
  await expect(waiting).rejects.toThrow(/has no connection left for hydra.*too many connections.*max_connections/);
  expect(log.messages).toEqual(["waiting for Postgres"]);
  await query(database.adminUrl, `alter role ${database.role} connection limit -1`);
  await waitForPostgres({ databaseUrl: database.url, waitMs: 0, log, signal });
});

test.each([
  ["postgres://u:p@db.example.com/hydra", "db.example.com:5432/hydra"],
  ["postgres://hydra@%2Ftmp%2Fsocket:5433/hydra", "/tmp/socket:5433/hydra"],
  ["postgres:///hydra?host=/var/run", "/var/run:5432/hydra"],
])("placeOf(%s): %s", (url, place) => {
  expect(placeOf(url)).toBe(place);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
