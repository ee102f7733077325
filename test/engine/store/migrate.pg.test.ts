import { expect, test } from "vitest";
import { engineMigrations, migrate } from "../../../src/engine/index.ts";
import { createDatabase } from "../../support/database.ts";
import { query } from "../support.ts";

test("a Postgres that is too old: refused with its version and the one that is needed, and nothing is made", async () => {
  await using db = await createDatabase({ empty: true });
  const refused = migrate({ databaseUrl: db.url, ...engineMigrations, oldestPostgres: 99 });
  await expect(refused).rejects.toMatchObject({
    kind: "unavailable",
    message: expect.stringMatching(/^Postgres \d+.* is too old: hydra needs 99 or later$/),
  });
  expect(await query(db.url, "select from information_schema.schemata where schema_name = 'engine'")).toEqual([]);
});

test("many at once on an empty database: one does the work, and all find it done", async () => {
  await using db = await createDatabase({ empty: true });
  await Promise.all(Array.from({ length: 5 }, () => migrate({ databaseUrl: db.url, ...engineMigrations })));
  expect(await query(db.url, "select name from engine.migrations")).toEqual([
    { name: "000001_engine" },
    { name: "000002_parked" },
    { name: "000003_operators" },
    { name: "000004_failover" },
    { name: "000005_vacuum" },
    { name: "000006_vacuum_keys" },
  ]);
});
