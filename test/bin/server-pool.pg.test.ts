import { pino } from "pino";
import { expect, test } from "vitest";
import { openServerPool } from "../../src/bin/server-pool.ts";
import { startProxy } from "../engine/fixtures/proxy.ts";
import { blocked, gate, holdLock } from "../engine/support.ts";
import { createDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";

refuseLeaks();

const log = pino({ enabled: false });

test("the server stops while the database is silent: who waits for an answer is told soon, and the connections end", async () => {
  await using database = await createDatabase();
  await using proxy = await startProxy(database.url);
  const connections = openServerPool(proxy.url, log, 100);
  await connections.pool.query("select 1");
  proxy.freeze();
  const waiting = connections.pool.query("select 2");
  waiting.catch(() => {});
  connections.hurry();
  await expect(waiting).rejects.toThrow(/terminated/);
  await connections.end();
});

test("the server stops while the database answers: what it is at comes to its end", async () => {
  await using database = await createDatabase();
  const held = gate();
  const holding = holdLock(database.url, "select pg_advisory_xact_lock(1)", held);
  await held.entered;
  const connections = openServerPool(database.url, log);
  const waiting = connections.pool.query("select pg_advisory_lock(1), 2 as two");
  await eventually(async () => expect(await blocked(database.url)).toHaveLength(1));
  connections.hurry();
  const ended = connections.end();
  held.open();
  expect((await waiting).rows).toMatchObject([{ two: 2 }]);
  await Promise.all([ended, holding]);
});
