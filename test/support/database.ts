import { randomBytes } from "node:crypto";
import type pg from "pg";
import { inject } from "vitest";
import "./global-setup.ts";
import { withAdmin, withDatabase } from "./test-server.ts";

/** A database of one test's own. */
export interface TestDatabase extends AsyncDisposable {
  url: string;
}

export interface CreateDatabaseOptions {
  /** Without any migration; default false. */
  empty?: boolean;
}

/**
 * Makes a database that nobody else uses, with all migrations applied, on the
 * Postgres of the run: `await using database = await createDatabase()`. At the
 * end it is dropped, whoever is still connected.
 */
export async function createDatabase({ empty = false }: CreateDatabaseOptions = {}): Promise<TestDatabase> {
  const adminUrl = inject("adminUrl");
  const template = inject("templateDatabase");
  const name = template.replace(/template$/, randomBytes(6).toString("hex"));
  await withAdmin(adminUrl, (admin) => clone(admin, empty ? "template0" : template, name));
  return {
    url: withDatabase(adminUrl, name),
    async [Symbol.asyncDispose]() {
      await withAdmin(adminUrl, async (admin) => {
        await admin.query(waitForSessions(name));
        await admin.query(`drop database if exists ${name} with (force)`);
      });
    },
  };
}

async function clone(admin: pg.Client, template: string, name: string): Promise<void> {
  // Copying the files takes half the time of logging their pages, unless every checkpoint waits for the disk.
  const { rows } = await admin.query<{ copy: boolean }>(
    "select current_setting('fsync') = 'off' and current_setting('server_version_num')::int >= 150000 as copy",
  );
  const strategy = rows[0]?.copy ? "strategy file_copy" : "";
  await admin.query(`create database ${name} template ${template} ${strategy}`);
}

/** A pool that has ended still closes its connections for a moment; one that is cut then has nobody to hear of it. */
function waitForSessions(database: string): string {
  return `do $$ begin
    for i in 1..50 loop
      exit when not exists (select from pg_stat_activity where datname = '${database}');
      perform pg_sleep(0.02);
      perform pg_stat_clear_snapshot();
    end loop;
  end $$`;
}
