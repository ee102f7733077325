import pg from "pg";
import { describe, expect, test } from "vitest";
import { createKindsEngine, LIMITS } from "../engine/crash/host.ts";
import { ENTRIES_OF } from "../engine/crash/kinds.ts";
import { createNotes } from "../engine/crash/support.ts";
import { keep, record, type RecordedJournal, recordedJournals, scenarioOf, shapeOf } from "./recording.ts";
import { SCENARIOS, worldOf } from "./scenarios.ts";

// What is recorded covers what handlers do today. `RECORD_JOURNALS=1` adds what is missing.

const isRecording = process.env["RECORD_JOURNALS"] === "1";

async function expectRecorded(scenario: string, journal: RecordedJournal): Promise<void> {
  const recorded = await recordedJournals();
  const shapes = [...recorded].filter(([name]) => scenarioOf(name) === scenario).map(([, each]) => shapeOf(each));
  const shape = shapeOf(journal);
  if (isRecording && !shapes.some((each) => each.join() === shape.join())) return keep(scenario, journal);
  // Not the same any more: see CONTRIBUTING, "How to change a handler".
  expect(shapes).toContainEqual(shape);
}

describe("what each handler of the rollout does now is recorded", () => {
  test.each(Object.entries(SCENARIOS))("%s", async (scenario, play) => {
    await using world = await worldOf(scenario);
    await expectRecorded(scenario, await record(world.pool, await play(world)));
  });
});

describe("so is every kind of entry of a journal", () => {
  test.each([...new Set(Object.values(ENTRIES_OF))])("%s", async (kind) => {
    await using database = await createNotes();
    await using kinds = createKindsEngine({ databaseUrl: database.url, limits: LIMITS });
    await kinds.engine.start();
    const { invocationId } = await kinds.engine.invoke({ service: "kinds", handler: kind, key: "k", input: kind });
    await kinds.engine.attach(invocationId);
    const pool = new pg.Pool({ connectionString: database.url, max: 1 });
    const journal = await record(pool, invocationId);
    await pool.end();
    await expectRecorded(`engine-${kind}`, journal);
  });
});
