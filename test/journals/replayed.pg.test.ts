import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEngine } from "../../src/engine/index.ts";
import { rolloutHandlers } from "../../src/rollout/index.ts";
import { kindHandlers } from "../engine/crash/kinds.ts";
import { createNotes } from "../engine/crash/support.ts";
import { eventually } from "../support/eventually.ts";
import { quietLog } from "../support/quiet-log.ts";
import { type RecordedEntry, type RecordedJournal, recordedJournals, shapeOf } from "./recording.ts";
import { Restorer } from "./restoring.ts";

// Journals that were recorded once, each cut at every entry and left by its server there: handlers of today replay them
// and go on. What they were about is gone, so they come to their end by themselves; which way they take is what counts.

const recorded = await recordedJournals();
/** A cut with each number of entries, all of them included. */
const CUTS = [...recorded].flatMap(([name, journal]) =>
  Array.from({ length: lengthOf(journal) + 1 }, (_, entries) => ({ name, journal, entries })),
);

function lengthOf({ journal }: RecordedJournal): number {
  return (journal.at(-1)?.entry ?? -1) + 1;
}

type Entry = Pick<RecordedEntry, "entry" | "kind" | "name">;

interface Ended {
  readonly status: string;
  readonly failure: string | null;
  readonly journal: readonly Entry[];
}

const ended = new Map<string, Ended>();
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  const database = stack.use(await createNotes());
  const pool = new pg.Pool({ connectionString: database.url, max: 2 });
  stack.defer(() => pool.end());
  const restorer = new Restorer(pool);
  const ids = new Map<string, number>();
  for (const { name, journal, entries } of CUTS) {
    ids.set(`${name} ${entries}`, await restorer.restore(journal, entries, `${name}.${entries}`));
  }
  await restorer.finish();
  const engine = createEngine({
    databaseUrl: database.url,
    handlers: handlersOf(pool, () => engine),
    limits: { pollMs: 200 },
  });
  await engine.start();
  stack.defer(() => engine.stop());
  const open = "select from engine.invocations where completed_at is null and status <> 'parked'";
  await eventually(async () => (await pool.query(open)).rowCount === 0, { timeoutMs: 60_000 });
  for (const [cut, id] of ids) ended.set(cut, await readEnded(pool, id));
}, 120_000);

afterAll(() => stack.disposeAsync());

function handlersOf(pool: pg.Pool, engine: () => ReturnType<typeof createEngine>) {
  return [
    ...rolloutHandlers({ deployTimeoutMs: 60_000, allowedWebhookHosts: [], hasDefaultWebhook: false, log: quietLog }),
    ...kindHandlers({
      pool,
      onOperation() {},
      resolve: (id, value) => engine().resolveAwakeable(id, value),
      cancel: (id) => engine().cancel(id),
      kill: (id) => engine().kill(id),
    }),
  ];
}

async function readEnded(pool: pg.Pool, id: number): Promise<Ended> {
  const { rows } = await pool.query<Ended>(
    `select status, failure, (select coalesce(json_agg(json_build_object('entry', entry, 'kind', kind, 'name', name) order by entry), '[]')
                                from engine.journal where invocation_id = id) as journal
       from engine.invocations where id = $1`,
    [id],
  );
  if (!rows[0]) throw new Error(`invocation ${id} is gone`);
  return rows[0];
}

function upTo(last: number, journal: readonly Entry[]): Entry[] {
  return journal.filter(({ entry }) => entry <= last);
}

describe("a journal that an earlier server left", () => {
  test.each(CUTS)("$name, $entries entries: it goes on as it went then, to its end", ({ name, journal, entries }) => {
    const now = ended.get(`${name} ${entries}`);
    expect(now?.status).toMatch(/succeeded|failed/);
    expect(now?.failure ?? "").not.toContain("the journal has");
    // What came later depends on what was left; what was recorded, and what the handler did first, is the same.
    const wentOn = shapeOf({ journal: now?.journal ?? [] });
    expect(wentOn).toEqual(expect.arrayContaining(shapeOf({ journal: upTo(entries, journal.journal) })));
  });
});
