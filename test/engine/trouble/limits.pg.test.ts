import { describe, expect, test } from "vitest";
import type { EngineLog } from "../../../src/engine/index.ts";
import { eventually } from "../../support/eventually.ts";
import { PATIENCE } from "../fixtures/forked-node.ts";
import { createOwnedDatabase } from "../../support/owned-database.ts";
import {
  blocked,
  callOf,
  createMarksTable,
  gate,
  handler,
  holdRow,
  mark,
  marksOf,
  query,
  shared,
  startEngine,
} from "../support.ts";

const count = handler<string>("count", (ctx, name) => Promise.resolve(ctx.tx(mark, { name })), shared);

describe("Postgres has no connection left", () => {
  test("at the start: it is refused with a sentence; once there is room it starts", async () => {
    await using db = await createOwnedDatabase();
    await createMarksTable(db.url);
    await query(db.adminUrl, `alter role ${db.role} connection limit 0`);
    await expect(startEngine(db.url, [count])).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringMatching(/^Postgres has no connection left .* too many connections .* max_connections/),
    });
    await query(db.adminUrl, `alter role ${db.role} connection limit -1`);
    await using engine = await startEngine(db.url, [count]);
    expect(await callOf(engine, "count", "k", "name")).toEqual({ count: 1 });
  });

  test("when a node has lost its own: it says so once, and goes on when there is room", async () => {
    await using db = await createOwnedDatabase();
    await createMarksTable(db.url);
    const warnings: object[] = [];
    const log: EngineLog = { debug() {}, info() {}, error() {}, warn: (fields) => warnings.push(fields) };
    await using engine = await startEngine(db.url, [count], { log });
    await query(db.adminUrl, `alter role ${db.role} connection limit 0`);
    await query(db.adminUrl, "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", [db.role]);
    const call = callOf(engine, "count", "k", "name");
    await eventually(() => warnings.length > 0, PATIENCE);
    await query(db.adminUrl, `alter role ${db.role} connection limit -1`);
    expect(await call).toEqual({ count: 1 });
    expect(warnings).toEqual([{ reason: expect.stringContaining("too many connections") }]);
  });
});

/** Limits that end statements, transactions and sessions, as somebody may have set them for people. */
async function limitEverything(adminUrl: string): Promise<string> {
  const name = new URL(adminUrl).pathname.slice(1);
  const limits = await query<{ name: string }>(
    adminUrl,
    `select name from pg_settings where name in ('statement_timeout', 'lock_timeout', 'transaction_timeout',
       'idle_session_timeout', 'idle_in_transaction_session_timeout')`,
  );
  for (const limit of limits) await query(adminUrl, `alter database ${name} set ${limit.name} = '150ms'`);
  const unlimited = new URL(adminUrl);
  unlimited.searchParams.set("options", limits.map((limit) => `-c ${limit.name}=0`).join(" "));
  return unlimited.href;
}

test("the database has short limits for statements, locks, transactions and sessions: they are not the engine's", async () => {
  await using db = await createOwnedDatabase();
  await createMarksTable(db.url);
  await query(db.url, "insert into marks values ('held', 0)");
  const unlimitedUrl = await limitEverything(db.adminUrl);
  await using engine = await startEngine(db.url, [count]);
  const sessions =
    "select pid from pg_stat_activity where application_name like 'hydra engine%' and usename = $1 order by 1";
  expect(await callOf(engine, "count", "k", "name")).toEqual({ count: 1 });
  const before = await query<{ pid: number }>(unlimitedUrl, sessions, [db.role]);

  const locked = gate();
  const lock = holdRow(unlimitedUrl, "held", locked);
  await locked.entered;
  const call = engine.execute(mark, { name: "held" });
  await eventually(async () => (await blocked(unlimitedUrl)).length === 1);
  await query(unlimitedUrl, "select pg_sleep(0.6)");
  locked.open();
  await lock;
  expect(await call).toEqual({ count: 1 });
  await query(unlimitedUrl, "select pg_sleep(0.6)");

  // Whoever listens, writes, and shows the node has the session that it had.
  expect(await query(unlimitedUrl, sessions, [db.role])).toEqual(expect.arrayContaining(before));
  expect(engine.stats().nodeId).toBe("1");
  expect(await marksOf(unlimitedUrl)).toEqual({ name: 1, held: 1 });
});
