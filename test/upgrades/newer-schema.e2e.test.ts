import pg from "pg";
import { expect, test } from "vitest";
import { createHydraClient, SentinelRolloutState } from "../../src/client/index.ts";
import { runHydra, startHydraProcess, urlOf } from "../e2e/hydra-process.ts";
import { addSentinels, NEW } from "../rollout/world.ts";
import { createDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";

refuseLeaks();

// A database that a newer release has migrated, and servers of this one, as in the middle of a rolling restart.

/** What a newer release may do while this one runs: columns that may be null or have a default, tables, indexes. */
const EXPANSION = `
  alter table sentinels add column colour text, add column weight integer not null default 1;
  alter table rollouts add column colour text;
  alter table rollout_targets add column colour text not null default '';
  alter table rollout_events add column colour text;
  alter table engine.invocations add column colour text, add column weight integer not null default 1;
  alter table engine.journal add column colour text;
  alter table engine.nodes add column colour text;
  create table colours (name text primary key);
  insert into migrations (name, run_on) values ('900001_colours', now());
  insert into engine.migrations (name, run_on) values ('900001_colours', now());`;

async function change(databaseUrl: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(sql);
  await client.end();
}

const serve = (url: string) =>
  startHydraProcess(["serve", "--port", "0"], { DATABASE_URL: url, HYDRA_DEPLOY_TIMEOUT: "3s" });

test("a newer release has added to the schema in mid-rollout: servers of this one go on, and one that starts says so", async () => {
  await using database = await createDatabase();
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  await addSentinels(pool, 3);
  await using before = serve(database.url);
  const { rollouts } = createHydraClient({ baseUrl: await urlOf(before) });
  // No agent answers: every deploy runs out of time, and each wave is a pause.
  const rollout = rollouts.rollout({ image: NEW, wavePercentages: [30, 100] });
  await eventually(async () => (await rollouts.getRollout({})).rollout?.inFlight === 1);
  await change(database.url, EXPANSION);
  expect((await rollout).state).toBe(SentinelRolloutState.PAUSED);
  await using after = serve(database.url);
  const other = createHydraClient({ baseUrl: await urlOf(after) });
  expect((await other.rollouts.resume({})).state).toBe(SentinelRolloutState.PAUSED);
  expect((await rollouts.resume({})).state).toBe(SentinelRolloutState.COMPLETED);
  expect(after.stderr()).toMatch(
    /"migrations":\["900001_colours"\].*a newer release of hydra has added to the database/,
  );
  await pool.end();
});

test.each([
  ["the rollout's", "migrations"],
  ["the engine's", "engine.migrations"],
])(
  "a newer release has taken away from %s schema: a server of this one refuses to start, and says what it met",
  async (_whose, table) => {
    await using database = await createDatabase();
    await change(database.url, `insert into ${table} (name, run_on) values ('900001_contract_colours', now())`);
    const { exit, stderr, stdout } = await runHydra(["serve", "--port", "0"], { DATABASE_URL: database.url });
    expect(exit).toBe(1);
    expect(stderr).toContain(
      "a newer release of hydra, which has taken away what this one needs (900001_contract_colours)",
    );
    expect(stderr).not.toContain("    at ");
    expect(stdout).not.toContain("listening");
  },
);
