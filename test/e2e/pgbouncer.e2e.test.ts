import pg from "pg";
import { describe, expect, test } from "vitest";
import { engineMigrations, migrate } from "../../src/engine/index.ts";
import { Acknowledged } from "../engine/crash/acknowledged.ts";
import { KINDS } from "../engine/crash/kinds.ts";
import { createNotes, expectUnbroken, startPeer } from "../engine/crash/support.ts";
import { VictimProcess } from "../engine/crash/victim-process.ts";
import { PATIENCE } from "../engine/fixtures/forked-node.ts";
import { query } from "../engine/support.ts";
import { createDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { leftOutWithout } from "./client-tools.ts";
import { runHydra } from "./hydra-process.ts";
import { startPgbouncer } from "./pgbouncer.ts";

refuseLeaks();

const POOLER = {
  kind: "unavailable",
  message: expect.stringMatching(
    /behind a pooler that shares its sessions.*pool_mode = session, or a direct connection/,
  ),
};

/** Lets the pooler open as many sessions as it may. */
async function fillPool(url: string, size: number): Promise<void> {
  const clients = Array.from({ length: size }, () => new pg.Client({ connectionString: url }));
  await Promise.all(clients.map((client) => client.connect()));
  await Promise.all(clients.map((client) => client.query("begin")));
  await Promise.all(clients.map((client) => client.query("commit")));
  await Promise.all(clients.map((client) => client.end()));
}

describe.skipIf(leftOutWithout("pgbouncer"))("pgbouncer in front of Postgres", () => {
  const SHARING = [1, 2, 4].flatMap((poolSize) => [false, true].map((takesTurns) => ({ poolSize, takesTurns })));

  test.each(SHARING)(
    "in transaction mode, $poolSize sessions, in turns: $takesTurns: refused with a sentence, and nothing is left behind",
    async ({ poolSize, takesTurns }) => {
      await using db = await createDatabase({ empty: true });
      await using bouncer = await startPgbouncer(db.url, { poolMode: "transaction", poolSize, takesTurns });
      await fillPool(bouncer.url, poolSize);
      await expect(migrate({ databaseUrl: bouncer.url, ...engineMigrations })).rejects.toMatchObject(POOLER);
      const left =
        "select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())";
      expect(await query(db.url, left)).toEqual([]);
      expect(await query(db.url, "select from information_schema.schemata where schema_name = 'engine'")).toEqual([]);
    },
  );

  test("in statement mode: refused as well", async () => {
    await using db = await createDatabase({ empty: true });
    await using bouncer = await startPgbouncer(db.url, { poolMode: "statement", poolSize: 5 });
    await expect(migrate({ databaseUrl: bouncer.url, ...engineMigrations })).rejects.toMatchObject(POOLER);
  });

  test("in transaction mode: `hydra serve` says what to do, and ends", async () => {
    await using db = await createDatabase({ empty: true });
    await using bouncer = await startPgbouncer(db.url, { poolMode: "transaction", poolSize: 5 });
    const { exit, stderr } = await runHydra(["serve", "--port", "0"], { DATABASE_URL: bouncer.url });
    expect(exit).toBe(1);
    expect(stderr).toContain("use pool_mode = session, or a direct connection.");
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test("in session mode: it works, and a node that is killed is taken over", async () => {
    await using db = await createNotes();
    await using bouncer = await startPgbouncer(db.url, { poolMode: "session", poolSize: 60 });
    await using victim = await VictimProcess.start(bouncer.url, { limits: { leaseMs: 60_000, pollMs: 200 } });
    await using peer = await startPeer(bouncer.url);
    const acknowledged = new Acknowledged();
    for (const [i, kind] of KINDS.entries()) {
      for (let n = 0; n < 4; n++) victim.call(acknowledged.called({ kind, key: `key ${i % 3}`, name: `${kind} ${n}` }));
    }
    await eventually(() => victim.told("ended").length > 20, PATIENCE);
    await victim.kill();
    acknowledged.hear(victim);
    await acknowledged.repeat(peer.engine);
    await expectUnbroken(db.url, acknowledged, "pgbouncer", [peer]);
  });
});
