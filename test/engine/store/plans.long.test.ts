import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { engineMigrations, migrate } from "../../../src/engine/index.ts";
import { startEmbeddedPostgres } from "../../../src/postgres/index.ts";
import { eventually } from "../../support/eventually.ts";
import { createTemporaryDirectory } from "../../support/temporary-directory.ts";
import { Acknowledged } from "../crash/acknowledged.ts";
import { createKindsEngine } from "../crash/host.ts";
import { DOORS, KINDS } from "../crash/kinds.ts";
import { CREATE_NOTES } from "../crash/notes.ts";
import { query } from "../support.ts";

const LARGE = 20_000;

/** A database that has been at work for long: as many that have ended as that sleep, with what belongs to each. */
const FILL = `
  insert into engine.invocations (id, service, key, handler, exclusive, status, priority, input, output, idempotency_key,
         start_at, created_at, completed_at)
  select n, 'kinds', 'old ' || n, 'sleep', true, case when ended then 'succeeded' else 'suspended' end, 0, '"x"',
         case when ended then 'null' end, case when ended then 'old ' || n end,
         case when not ended then now() + interval '1 day' end, now(), case when ended then now() end
    from generate_series(1, 2 * ${LARGE}) as n cross join lateral (select n <= ${LARGE} as ended) e;
  insert into engine.idempotency (service, key, handler, idempotency_key, invocation_id)
  select service, key, handler, idempotency_key, id from engine.invocations where idempotency_key is not null;
  insert into engine.keys (service, key, holder) select service, key, id from engine.invocations where status = 'suspended';
  insert into engine.journal (invocation_id, entry, kind, name, value) select id, 0, 'tx', 'note', '{}' from engine.invocations;
  insert into engine.journal (invocation_id, entry, kind) select id, 1, 'sleep' from engine.invocations;
  insert into engine.timers (invocation_id, entry, fire_at)
  select id, 1, start_at from engine.invocations where status = 'suspended';
  insert into engine.state (service, key, name, value) select service, key, 'count', '1' from engine.invocations;
  update engine.shared set next_id = 1000001;`;

const EXPLAIN = `
  alter database hydra set session_preload_libraries = 'auto_explain';
  alter database hydra set auto_explain.log_min_duration = 0;
  alter database hydra set auto_explain.log_nested_statements = on`;

/** What the server's log says of statements of the engine: each with its plan. */
async function plansIn(logFile: string): Promise<string[]> {
  const log = await readFile(logFile, "utf8");
  return log.split(/^(?=\[)/m).filter((entry) => entry.startsWith("[hydra engine") && entry.includes(" plan:"));
}

test("tables of tens of thousands of rows: no statement of the engine reads one from end to end", async () => {
  await using directory = await createTemporaryDirectory();
  const settings = { fsync: "off", log_line_prefix: "[%a] " };
  const postgres = await startEmbeddedPostgres({ dataDir: directory.path, settings });
  try {
    await migrate({ databaseUrl: postgres.url, ...engineMigrations });
    await query(postgres.url, CREATE_NOTES);
    await query(postgres.url, FILL);
    await query(postgres.url, "vacuum analyze");
    await query(postgres.url, EXPLAIN);
    const limits = { leaseMs: 1_000, pollMs: 100, drainMs: 2_000 };
    await using host = createKindsEngine({ databaseUrl: postgres.url, limits });
    const { engine } = host;
    await engine.start();
    const acknowledged = new Acknowledged();
    for (const kind of [...KINDS, ...DOORS]) acknowledged.called({ kind, key: "k", name: `call of ${kind}` });
    await acknowledged.accept(engine);
    await acknowledged.repeat(engine);
    const call = { service: "kinds", key: "later", handler: "values" };
    const later = await engine.invoke({ ...call, input: "later", idempotencyKey: "later", delayMs: 3_600_000 });
    await engine.lookup({ ...call, idempotencyKey: "later" });
    await engine.getInvocation(later.invocationId);
    await engine.listInvocations({ limit: 10 });
    await engine.getState("kinds", "k");
    await engine.countOpenInvocations();
    for (const verb of ["pause", "resume", "kill"] as const) await engine[verb](later.invocationId);
    await engine.attach(later.invocationId);
    await engine.purge(later.invocationId);
    await query(postgres.url, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1", [
      "hydra engine writer",
    ]);
    await eventually(() => engine.stats().nodeId === "2", { timeoutMs: 30_000 });
    await engine.stop();

    const plans = await plansIn(path.join(directory.path, "postgres.log"));
    expect(plans.length).toBeGreaterThan(500);
    const scans = /Seq Scan on (invocations|journal|keys|timers|state|idempotency)\b/;
    expect(plans.filter((plan) => scans.test(plan))).toEqual([]);
  } finally {
    await postgres.stop();
  }
});
