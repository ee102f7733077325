import pg from "pg";
import { describe, expect, test } from "vitest";
import { migrate } from "../../src/engine/index.ts";
import { rolloutMigrations } from "../../src/rollout/index.ts";
import packageJson from "../../package.json" with { type: "json" };
import { structuralBreaches } from "../engine/crash/breaches.ts";
import { TestAgent } from "../rollout/test-agent.ts";
import { startEngine } from "../rollout/world.ts";
import { createDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { putContents } from "./contents.ts";
import { everyLevel, type Level, migrateTo } from "./levels.ts";
import { keepWhatIsLeft, leftBy, releases } from "./releases.ts";

const { version } = packageJson;
if (process.env["RECORD_DATABASE"] === "1") await keepWhatIsLeft(version);
const recorded = await releases();
const levels = await everyLevel();

test("what this release leaves in flight is recorded", () => {
  // Not there: CONTRIBUTING, "How to add a migration".
  expect(recorded).toContain(version);
});

const ENDED = `
select r.state, (select string_agg(status, ' ' order by target) from rollout_targets) as targets,
       (select string_agg(distinct image || ' ' || generation, ', ') from sentinels) as sentinels,
       (select count(*) = max(sequence) and count(*) = count(distinct sequence) from rollout_events) as gap_free,
       (select count(*)::int from engine.invocations where completed_at is null) as open
  from rollouts r`;

/** Today's server starts on a database of that level with what a release left there, and brings the rollout to its end. */
async function expectItGoesOn(release: string, level: Level): Promise<void> {
  await using database = await createDatabase({ empty: true });
  await migrateTo(database.url, level);
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  pool.on("connect", (client) => client.on("error", () => {}));
  const { contents } = await leftBy(release);
  await putContents(pool, contents);
  await migrate({ databaseUrl: database.url, ...rolloutMigrations });
  const engine = await startEngine(database.url);
  const agent = await TestAgent.start(database.url, engine);
  agent.look();
  await eventually(
    async () =>
      expect((await pool.query(ENDED)).rows).toEqual([
        {
          state: "completed",
          targets: "ready ready ready",
          sentinels: "registry.test/sentinel:2 2",
          gap_free: true,
          open: 0,
        },
      ]),
    { timeoutMs: 15_000 },
  );
  expect(await structuralBreaches(database.url)).toEqual([]);
  await agent.stop();
  await engine.stop();
  await pool.end();
}

describe.each(recorded)("a rollout that %s left in flight", (release) => {
  test("on the schema of then: the migrations run, and it goes on to its end", async () => {
    await expectItGoesOn(release, (await leftBy(release)).level);
  });
});

describe("a rollout in flight, its rows in the shape that they have without later columns", () => {
  test.each(levels)("engine migration $engine, rollout migration $rollout: it goes on to its end", async (level) => {
    await expectItGoesOn(version, level);
  });
});
