import pg from "pg";
import { expect, test } from "vitest";
import { createDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { SoakJournal } from "./journal.ts";
import { Progress } from "./progress.ts";

test("a rollout under way without an event for too long: the soak says that it stands still", async () => {
  await using database = await createDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`
    insert into rollouts (id, image, wave_percentages, state, driver, notifies)
    values ('rol_1', 'registry.test/sentinel:1', '{100}', 'in_progress', 'inv_1', false)`);
  await client.end();
  const journal = new SoakJournal(() => {});
  await using _ = new Progress(database.url, journal, 100);
  await eventually(() => expect(journal.findings).toEqual(["a rollout has not moved for 0.1 s after event 0"]));
});
