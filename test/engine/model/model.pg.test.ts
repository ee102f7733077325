import fc from "fast-check";
import pg from "pg";
import { expect, test } from "vitest";
import { createDatabase } from "../../support/database.ts";
import { marksOf } from "../support.ts";
import { actions, type Action, KEYS } from "./programs.ts";
import { tell } from "./reference.ts";
import { type Asked, ModelWorld } from "./world.ts";

// The engine and a model of it, side by side: whatever a client asks for and whatever breaks meanwhile, what came of it is
// what the programs say. A failure is shrunk by fast-check; its seed and path repeat it.

const RUNS = 15;
/** What has been found by then counts, also where it is not shrunk to its end. */
const TIME_LIMIT_MS = 60_000;

test(
  "E1. E3. E4. random programs, cancelled, cut off and moved between engines: what came of them is what they say",
  async () => {
    await fc.assert(fc.asyncProperty(actions, holds), { numRuns: RUNS, interruptAfterTimeLimit: TIME_LIMIT_MS });
  },
  2 * TIME_LIMIT_MS,
);

async function holds(list: readonly Action[]): Promise<void> {
  await using database = await createDatabase();
  const pool = new pg.Pool({ connectionString: database.url, max: 2 });
  pool.on("connect", (client) => client.on("error", () => {}));
  try {
    await using world = await ModelWorld.start(database.url);
    for (const action of list) await world.act(action);
    await world.answerUntilDone(pool);
    for (const asked of world.asked) await assertOutcome(world, asked);
    assertMarks(world.asked, await marksOf(database.url));
    await assertLists(world.asked, pool);
    await assertNothingLeft(pool);
  } finally {
    await pool.end();
  }
}

async function assertOutcome(world: ModelWorld, asked: Asked): Promise<void> {
  const outcome = await world.outcomeOf(asked);
  const { answer } = tell(asked.steps, asked.path);
  if (asked.cancelled && !outcome.ok && outcome.kind === "cancelled") return;
  if (answer === undefined) expect(outcome).toMatchObject({ ok: false, message: "as the program says" });
  else expect(outcome).toMatchObject({ ok: true, output: JSON.stringify(answer) });
}

/** E4: what was marked was marked once, and all of it is there where nobody cancelled. */
function assertMarks(asked: readonly Asked[], marks: Readonly<Record<string, number>>): void {
  const possible = new Set(asked.flatMap(({ steps, path }) => tell(steps, path).marks));
  expect(Object.entries(marks).filter(([name, count]) => count !== 1 || !possible.has(name))).toEqual([]);
  const certain = asked.filter(({ cancelled }) => !cancelled).flatMap(({ steps, path }) => tell(steps, path).marks);
  expect(certain.filter((name) => marks[name] === undefined)).toEqual([]);
}

/** E3: the list of a key is made of one block for each program that ran there, whole where nobody cancelled. */
async function assertLists(asked: readonly Asked[], pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ key: string; value: string }>("select key, value from engine.state");
  const lists = new Map(rows.map(({ key, value }) => [key, JSON.parse(value) as string[]]));
  for (let key = 0; key < KEYS; key++) {
    const list = lists.get(`k${key}`) ?? [];
    expect(new Set(list).size).toBe(list.length);
    for (const { appends, isCertain } of blocksOf(asked, key)) {
      const present = list.filter((path) => appends.includes(path));
      expect(present).toEqual(isCertain ? appends : appends.slice(0, present.length));
      const first = list.indexOf(present[0] ?? "");
      if (present.length > 0) expect(list.slice(first, first + present.length)).toEqual(present);
    }
    const own = asked.filter((each) => each.key === key && !each.cancelled);
    const firsts = own.flatMap(({ steps, path }) => tell(steps, path).appends.slice(0, 1));
    expect(list.filter((path) => firsts.includes(path))).toEqual(firsts);
  }
}

function blocksOf(asked: readonly Asked[], key: number) {
  return asked.flatMap((each) => {
    const told = tell(each.steps, each.path);
    const all = [{ key: each.key, appends: told.appends }, ...told.others];
    return all.filter((block) => block.key === key).map(({ appends }) => ({ appends, isCertain: !each.cancelled }));
  });
}

async function assertNothingLeft(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query(
    `select (select count(*)::int from engine.keys) as keys, (select count(*)::int from engine.timers) as timers`,
  );
  expect(rows).toEqual([{ keys: 0, timers: 0 }]);
}
