import pg from "pg";
import { expect, test } from "vitest";
import { createDatabase } from "./database.ts";

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

const TABLES = "select schemaname || '.' || tablename as name from pg_tables where schemaname in ('engine', 'public')";

test("two clones of the template: what is written to one is not seen in the other", async () => {
  await using one = await createDatabase();
  await using other = await createDatabase();
  await query(one.url, "create table public.only_here ()");
  expect(await query(one.url, TABLES)).toContainEqual({ name: "public.only_here" });
  expect(await query(other.url, TABLES)).not.toContainEqual({ name: "public.only_here" });
});

test("a clone: it has the tables of the engine and of the domain", async () => {
  await using database = await createDatabase();
  const names = (await query(database.url, TABLES)).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["engine.invocations", "public.sentinels", "public.rollouts"]));
});

test("an empty database: it has no tables", async () => {
  await using database = await createDatabase({ empty: true });
  expect(await query(database.url, TABLES)).toEqual([]);
});

test("a database at the end of its test: it is dropped although somebody is still connected", async () => {
  const database = await createDatabase();
  const client = new pg.Client({ connectionString: database.url });
  client.on("error", () => {});
  const cutOff = new Promise((resolve) => client.once("end", resolve));
  await client.connect();
  await database[Symbol.asyncDispose]();
  await cutOff;
  await expect(query(database.url, "select 1")).rejects.toMatchObject({ code: "3D000" });
});
