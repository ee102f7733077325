import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import "./global-setup.ts";
import type { TestDatabase } from "./database.ts";
import { withAdmin } from "./test-server.ts";

/** How a database was at a moment. */
export interface Backup extends AsyncDisposable {
  /**
   * Makes it so again, under the same address, as a restore or a failover does: whoever is connected is cut off, and
   * finds the database of then. Once.
   */
  putBack(): Promise<void>;
}

/** Cuts everybody off for a moment, and copies a database. */
export async function backUp(database: TestDatabase): Promise<Backup> {
  const name = new URL(database.url).pathname.slice(1);
  const [saved, lost] = [`${name}_${suffix()}`, `${name}_${suffix()}`];
  const adminUrl = inject("adminUrl");
  const alone = (queries: readonly string[]) => withDatabaseAlone(adminUrl, name, queries);
  await alone([`create database ${saved} template ${name}`, `alter database ${saved} allow_connections true`]);
  return {
    putBack: () => alone([`alter database ${name} rename to ${lost}`, `alter database ${saved} rename to ${name}`]),
    async [Symbol.asyncDispose]() {
      await withAdmin(adminUrl, async (admin) => {
        for (const copy of [saved, lost]) await admin.query(`drop database if exists ${copy} with (force)`);
      });
    },
  };
}

/** Nobody is connected while the queries run; afterwards whatever has the name may be connected to. */
async function withDatabaseAlone(adminUrl: string, name: string, queries: readonly string[]): Promise<void> {
  await withAdmin(adminUrl, async (admin) => {
    await admin.query(`alter database ${name} allow_connections false`);
    await admin.query(`
      do $$ begin
        for i in 1..1000 loop
          perform pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}';
          perform pg_stat_clear_snapshot();
          exit when not exists (select from pg_stat_activity where datname = '${name}');
          perform pg_sleep(0.01);
        end loop;
      end $$`);
    for (const query of queries) await admin.query(query);
    await admin.query(`alter database ${name} allow_connections true`);
  });
}

function suffix(): string {
  return randomBytes(4).toString("hex");
}
