import pg from "pg";
import { expect, test } from "vitest";
import { startEmbeddedPostgres } from "../../../src/postgres/index.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { createTemporaryDirectory } from "../../support/temporary-directory.ts";
import { PATIENCE } from "../fixtures/forked-node.ts";
import { ended, gate, handler, outputOf, query, send, shared, startEngine } from "../support.ts";

refuseLeaks();

const LIMITS = { leaseMs: 400, pollMs: 100, drainMs: 400 };

/** No commit is acknowledged any more, or each is again; `admin` does not wait itself. */
async function requireReplica(admin: pg.Client, databaseUrl: string, name: string): Promise<void> {
  await admin.query(`alter system set synchronous_standby_names = '${name}'`);
  await admin.query("select pg_reload_conf()");
  const shown = async () => (await query<{ names: string }>(databaseUrl, SHOWN))[0]?.names === name;
  await eventually(shown, PATIENCE);
}

const SHOWN = "select current_setting('synchronous_standby_names') as names";
const STATUS = "select status from engine.invocations";
/** Who takes over waits for what the node has not written to its end. */
const WAITING = "select from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'hydra engine'";

test(
  "a synchronous replica that is away past the lease: nothing is told that it has not got, and the server stops",
  { timeout: 120_000 },
  async () => {
    await using directory = await createTemporaryDirectory();
    await using postgres = Object.assign(await startEmbeddedPostgres({ dataDir: directory.path }), {
      [Symbol.asyncDispose]: () => postgres.stop(),
    });
    const admin = new pg.Client({ connectionString: postgres.url });
    await admin.connect();
    await admin.query("set synchronous_commit = local");
    const held = gate();
    const work = handler("work", async () => (await held.pass(), "done"), shared);
    const engine = await startEngine(postgres.url, [work], { limits: LIMITS });
    const id = await send(engine, "work");
    const told = ended(engine, id);
    told.catch(() => {});

    await requireReplica(admin, postgres.url, "nobody");
    held.open();
    await eventually(() => engine.stats().nodeId === "", PATIENCE);
    await eventually(async () => (await admin.query(WAITING)).rows.length > 0, PATIENCE);
    await engine.stop();
    await expect(told).rejects.toMatchObject({ kind: "unavailable" });
    expect((await admin.query(STATUS)).rows).toEqual([{ status: "running" }]);

    await requireReplica(admin, postgres.url, "");
    await admin.end();
    await using next = await startEngine(postgres.url, [work], { limits: LIMITS });
    expect(outputOf(await ended(next, id))).toBe("done");
  },
);
