import pg from "pg";
import { afterAll, beforeEach, expect, test } from "vitest";
import { type LogStanding, readEpoch, readLogStanding, readTokensVersion } from "../../src/rollout/index.ts";
import { EventLog } from "../server/watch/event-log.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { backUp } from "../support/put-back.ts";

let database: TestDatabase;

beforeEach(async () => {
  await database?.[Symbol.asyncDispose]();
  database = await createDatabase();
});
afterAll(() => database?.[Symbol.asyncDispose]());

/** Writes one event at a time, each as a server does that has just come. */
async function write(events: number): Promise<LogStanding> {
  for (let i = 0; i < events; i++) {
    await using log = new EventLog(database.url, 1);
    await log.add([{ rolloutId: "rol_a" }]);
  }
  return await query((pool) => readLogStanding(pool));
}

async function query<T>(run: (pool: pg.Pool) => Promise<T>): Promise<T> {
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  // One that is still being closed when its database goes away says so to the pool, and then by itself.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  try {
    return await run(pool);
  } finally {
    await pool.end();
  }
}

async function endOf(epoch: string): Promise<bigint | undefined> {
  return await query(async (pool) => (await readEpoch(pool, epoch)).end?.eventSequence);
}

async function countEpochs(): Promise<number> {
  return await query(async (pool) => (await pool.query("select from rollout_log_epochs")).rowCount ?? 0);
}

test("servers that come and go: one epoch, and every position told with it holds", async () => {
  const first = await write(1);
  const last = await write(3);
  expect(last.epoch).toBe(first.epoch);
  expect(last.epoch).toMatch(/^[0-9a-f]{16}$/);
  expect(await endOf(first.epoch)).toBe(4n);
});

test("an older backup put back: what it has holds, what was lost does not, though the same numbers are given again", async () => {
  const saved = await write(3);
  await using backup = await backUp(database);
  const lost = await write(5);
  await backup.putBack();
  expect(await endOf(lost.epoch)).toBe(3n);
  const now = await write(10);
  expect(now.eventSequence).toBe(13n);
  expect(now.epoch).not.toBe(lost.epoch);
  expect(await endOf(saved.epoch)).toBe(3n);
  expect(await endOf(now.epoch)).toBe(13n);
});

test("an epoch that began after the backup: nothing that was told with it holds", async () => {
  await write(3);
  await using backup = await backUp(database);
  await query((pool) => pool.query("vacuum full rollout_log"));
  const lost = await write(1);
  await backup.putBack();
  await write(10);
  expect(await endOf(lost.epoch)).toBeUndefined();
});

test("many servers write at once after it was put back: they agree on one epoch", async () => {
  await write(2);
  await using backup = await backUp(database);
  await write(2);
  await backup.putBack();
  const before = await countEpochs();
  await using log = new EventLog(database.url, 8);
  await Promise.all(Array.from({ length: 8 }, (_, i) => log.add([{ rolloutId: `rol_${i}` }])));
  expect(await countEpochs()).toBe(before + 1);
  expect((await query((pool) => readLogStanding(pool))).eventSequence).toBe(10n);
});

test("a write that fails first: no epoch is left behind, the next one begins it", async () => {
  await using backup = await backUp(database);
  await backup.putBack();
  const before = await countEpochs();
  await query(async (pool) => {
    await pool.query("begin");
    await pool.query("update rollout_log set event_sequence = event_sequence + 1");
    await pool.query("rollback");
  });
  expect(await countEpochs()).toBe(before);
  await write(1);
  expect(await countEpochs()).toBe(before + 1);
});

test("rows put back by hand in a database that goes on: once the epochs are forgotten, no position holds", async () => {
  const before = await write(5);
  const { rows } = await query((pool) => pool.query<{ epoch: string }>("select forget_log_epochs() as epoch"));
  expect(await endOf(before.epoch)).toBeUndefined();
  const after = await write(1);
  expect(after.epoch).toBe(rows[0]?.epoch);
  expect(await endOf(after.epoch)).toBe(6n);
});

test("epochs are forgotten where one is due anyway: the one that begins is the log's", async () => {
  await using backup = await backUp(database);
  await backup.putBack();
  await query((pool) => pool.query("select forget_log_epochs()"));
  const { epoch } = await query((pool) => readLogStanding(pool));
  expect(await endOf(epoch)).toBe(0n);
});

test("the present epoch is missing from the table of epochs: what is told with it holds all the same", async () => {
  await write(3);
  await query((pool) => pool.query("delete from rollout_log_epochs"));
  const { epoch } = await write(2);
  expect(await endOf(epoch)).toBe(5n);
  await query((pool) => pool.query("update rollout_log set run = null"));
  await write(1);
  expect(await endOf(epoch)).toBeUndefined();
});

test("a thousand and more epochs: the latest thousand are kept", async () => {
  await query((pool) =>
    pool.query(`do $$ begin for i in 1..1005 loop
      update rollout_log set run = null; update rollout_log set event_sequence = event_sequence + 1;
    end loop; end $$`),
  );
  expect(await countEpochs()).toBe(1_000);
  const { epoch, eventSequence } = await query((pool) => readLogStanding(pool));
  expect(await endOf(epoch)).toBe(eventSequence);
});

test("tokens of a database that was put back: taken for others, though as many have been created and revoked", async () => {
  const version = await query(readTokensVersion);
  expect(await query(readTokensVersion)).toBe(version);
  await using backup = await backUp(database);
  expect(await query(readTokensVersion)).toBe(version);
  await backup.putBack();
  expect(await query(readTokensVersion)).not.toBe(version);
});

test("what tells one run of Postgres from another: anybody may ask it", async () => {
  const functions = ["pg_postmaster_start_time()", "pg_relation_filepath(regclass)", "gen_random_uuid()"];
  const { rows } = await query((pool) =>
    pool.query("select has_function_privilege('public', name, 'execute') as may from unnest($1::text[]) as name", [
      functions,
    ]),
  );
  expect(rows).toEqual(functions.map(() => ({ may: true })));
});

test("sessions of other time zones: the same run", async () => {
  const runs = await query(async (pool) => {
    const told: string[] = [];
    for (const zone of ["UTC", "Asia/Tokyo"]) {
      await pool.query(`set timezone to '${zone}'`);
      await pool.query("set datestyle to 'German'");
      told.push((await pool.query<{ run: string }>("select rollout_log_run() as run")).rows[0]?.run ?? "");
    }
    return told;
  });
  expect(new Set(runs).size).toBe(1);
});
