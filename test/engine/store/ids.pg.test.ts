import { expect, test } from "vitest";
import { engineMigrations, migrate } from "../../../src/engine/index.ts";
import { rolloutMigrations } from "../../../src/rollout/index.ts";
import { createDatabase } from "../../support/database.ts";
import { createOwnedDatabase } from "../../support/owned-database.ts";
import { query } from "../support.ts";

async function takeIds(databaseUrl: string): Promise<number> {
  const [row] = await query<{ first: string }>(databaseUrl, "select engine.take_ids(1000) as first");
  return Number(row?.first);
}

test("ids are taken again and again: they follow one another, also where the role is no superuser", async () => {
  await using db = await createOwnedDatabase();
  await migrate({ databaseUrl: db.url, ...engineMigrations });
  await migrate({ databaseUrl: db.url, ...rolloutMigrations });
  expect([await takeIds(db.url), await takeIds(db.url)]).toEqual([1, 1_001]);
  const [shared] = await query<{ history: string }>(db.url, "select history from engine.shared");
  // Without it a failover would go unnoticed.
  expect(shared?.history).toMatch(/^\d{10,}\/[0-9A-F]{8}$/);
});

test("the database has another history than before: a billion ids are left out, once", async () => {
  await using db = await createDatabase();
  const first = await takeIds(db.url);
  await query(db.url, "update engine.shared set history = '7000000000000000000/00000001'");
  expect(await takeIds(db.url)).toBe(first + 1_000 + 1_000_000_000);
  expect(await takeIds(db.url)).toBe(first + 2_000 + 1_000_000_000);
});

test("a server that does not tell its history: ids follow one another", async () => {
  await using db = await createDatabase();
  const first = await takeIds(db.url);
  await query(
    db.url,
    `create or replace function engine.current_history() returns text language sql stable return null`,
  );
  expect(await takeIds(db.url)).toBe(first + 1_000);
});
