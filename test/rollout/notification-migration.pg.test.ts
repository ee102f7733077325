import { copyFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import pg from "pg";
import { expect, test } from "vitest";
import { engineMigrations, migrate } from "../../src/engine/index.ts";
import { readRollout, rolloutMigrations, startNotifier } from "../../src/rollout/index.ts";
import { createDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { quietLog } from "../support/quiet-log.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { WebhookServer } from "../support/webhook-server.ts";
import { startEngine } from "./world.ts";

refuseLeaks();

test("a database of the version before, with a rollout under way: what is new in its outbox is sent, what is old is not", async () => {
  await using server = await WebhookServer.start();
  await using database = await createDatabase({ empty: true });
  await migrateToFirst(database.url);
  const pool = new pg.Pool({ connectionString: database.url, max: 2 });
  pool.on("connect", (client) => client.on("error", () => {}));
  await fill(pool, server.url());
  await migrate({ databaseUrl: database.url, ...rolloutMigrations });
  const engine = await startEngine(database.url);
  const notifier = startNotifier({ engine, pool, log: quietLog, allowedWebhookHosts: ["127.0.0.1"] });
  await eventually(async () => expect((await readRollout(pool, "rol_new"))?.notifications).toMatchObject({ sent: 2 }));
  expect(server.headers).toEqual(["Rollout started", "Wave 1 of 1 started"]);
  expect(server.received[1]?.section).toContain("In all: 3 of 10 ready (30 %), 1 failed");
  expect((await readRollout(pool, "rol_old"))?.notifications).toMatchObject({ enabled: true, sent: 0, waiting: 0 });
  await notifier.stop();
  await engine.stop();
  await pool.end();
});

async function migrateToFirst(databaseUrl: string): Promise<void> {
  await migrate({ databaseUrl, ...engineMigrations });
  await using directory = await createTemporaryDirectory();
  const first = "000001_rollout.sql";
  await copyFile(new URL(first, rolloutMigrations.dir), path.join(directory.path, first));
  await migrate({ ...rolloutMigrations, databaseUrl, dir: pathToFileURL(`${directory.path}/`) });
}

/** A rollout that is over, and one under way with an event of yesterday and two of now; all wait to be told. */
async function fill(pool: pg.Pool, webhook: string): Promise<void> {
  await pool.query(`
    insert into rollouts (id, image, wave_percentages, state, driver, notifies)
    values ('rol_old', 'registry.test/sentinel:1', '{100}', 'completed', 'inv_1', true),
           ('rol_new', 'registry.test/sentinel:2', '{100}', 'in_progress', 'inv_2', true)`);
  await pool.query("insert into webhooks (rollout_id, url, encrypted) values ('rol_new', $1, false)", [
    Buffer.from(webhook),
  ]);
  await pool.query(`
    insert into rollout_waves (rollout_id, wave_index, percentage, first_target, size, ready, failed, started_at)
    values ('rol_new', 0, 100, 0, 10, 3, 1, now())`);
  await pool.query(`
    insert into rollout_events (sequence, time, rollout_id, state, type, wave_index, wave_size)
    values (1, now(), 'rol_old', 'completed', 'rollout_completed', null, null),
           (2, now() - interval '1 day', 'rol_new', 'in_progress', 'rollout_resumed', null, null),
           (3, now(), 'rol_new', 'in_progress', 'rollout_started', null, null),
           (4, now(), 'rol_new', 'in_progress', 'wave_started', 0, 10)`);
  await pool.query("insert into notifications (sequence, rollout_id) select sequence, rollout_id from rollout_events");
  await pool.query("update rollout_log set event_sequence = 4");
}
