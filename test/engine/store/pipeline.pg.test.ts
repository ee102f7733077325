import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { WriterConnection } from "../../../src/engine/store/connection.ts";
import { judgeFailure } from "../../../src/engine/store/failure.ts";
import type { Program, Stage, Statement } from "../../../src/engine/store/pipeline.ts";
import { createDatabase, type TestDatabase } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";
import { blocked, gate, holdRow, query } from "../support.ts";

let database: TestDatabase;
let connection: WriterConnection;
let losses: Error[];

beforeEach(async () => {
  await database?.[Symbol.asyncDispose]();
  database = await createDatabase();
  await query(database.url, "create table marks (name text primary key, count integer not null default 0)");
  losses = [];
  connection = await WriterConnection.open(database.url, (error) => losses.push(error));
  return () => connection.close();
});
afterAll(() => database?.[Symbol.asyncDispose]());

const insert = (name: string): Statement => ({
  name: "insert",
  text: "insert into marks (name) values ($1) returning name",
  values: [name],
});
const failing: Statement = { name: "failing", text: "select 1 / $1::int4", values: ["0"] };
const count: Statement = { name: "count", text: "select count(*) from marks", values: [] };

/** A program of stages that answers with the rows of all of them. */
function* program(...stages: readonly (readonly Statement[])[]): Program<unknown> {
  const all: unknown[] = [];
  for (const [i, statements] of stages.entries()) {
    all.push(yield { statements, last: i === stages.length - 1 } satisfies Stage);
  }
  return all;
}

function names(): Promise<{ name: string }[]> {
  return query(database.url, "select name from marks order by name");
}

async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  return promise.then(
    () => Promise.reject(new Error("it did not fail")),
    (error: Error) => error,
  );
}

describe("a pipeline", () => {
  test("P1. rows belong to their statements, stage by stage, and later stages see what earlier ones wrote", async () => {
    const result = await connection.transact(program([insert("a"), count], [insert("b"), count, count]));
    expect(result).toEqual([
      [[["a"]], [["1"]]],
      [[["b"]], [["2"]], [["2"]]],
    ]);
  });

  test.each([
    ["the only stage", [[insert("a"), failing, insert("b")]]],
    ["a stage before the last", [[insert("a"), failing], [insert("b")]]],
    ["the last stage", [[insert("a")], [insert("b"), failing]]],
  ])("P2. an error in %s: nothing of it is in, and the connection works on", async (_where, stages) => {
    const error = await failureOf(connection.transact(program(...stages)));
    expect(error).toMatchObject({ code: "22012" });
    expect(judgeFailure(error)).toBe("blame");
    await connection.reset();
    expect(await names()).toEqual([]);
    expect(await connection.transact(program([insert("a")], [insert("b"), count]))).toEqual([
      [[["a"]]],
      [[["b"]], [["2"]]],
    ]);
  });

  test("P2. prepared statements are known again after an error in the middle of preparing them", async () => {
    const unknown: Statement = { name: "unknown", text: "select * from nowhere", values: [] };
    await failureOf(connection.transact(program([count, unknown, insert("a")])));
    await connection.reset();
    expect(await connection.transact(program([count, insert("a")]))).toEqual([[[["0"]], [["a"]]]]);
  });

  test("P2. the program throws between stages: nothing of it is in, and the connection works on", async () => {
    function* throwing(): Program<unknown> {
      yield { statements: [insert("a")], last: false };
      throw new RangeError("bad value");
    }
    const error = await failureOf(connection.transact(throwing()));
    expect(error).toBeInstanceOf(RangeError);
    expect(judgeFailure(error)).toBe("blame");
    await connection.reset();
    expect(await names()).toEqual([]);
    expect(await connection.transact(program([count]))).toEqual([[[["0"]]]]);
  });

  test("P2. the program throws before its first stage: nothing is sent", async () => {
    // oxlint-disable-next-line require-yield
    function* throwing(): Program<unknown> {
      throw new RangeError("bad value");
    }
    const error = await failureOf(connection.transact(throwing()));
    expect(error.message).toBe("bad value");
    expect(await connection.transact(program([count]))).toEqual([[[["0"]]]]);
  });

  test("P3. once it resolves, everybody sees what it wrote; before its Sync, nobody does", async () => {
    let seenBetween: Promise<unknown[]> | undefined;
    function* watched(): Program<void> {
      yield { statements: [insert("a")], last: false };
      seenBetween = names();
      yield { statements: [{ name: "pause", text: "select pg_sleep(0.1)", values: [] }, insert("b")], last: true };
    }
    await connection.transact(watched());
    expect(await names()).toEqual([{ name: "a" }, { name: "b" }]);
    expect(await seenBetween).toEqual([]);
  });

  test("P4. the server ends it before Sync was sent: it is not in, and the loss is told once", async () => {
    const update: Statement = { name: "update", text: "update marks set count = 1 where name = $1", values: ["held"] };
    const error = await cutDuring(program([insert("a"), update], [insert("b")]));
    expect(judgeFailure(error)).toBe("lost");
    await eventually(() => losses.length === 1);
    expect(await names()).toEqual([{ name: "held" }]);
    expect(losses).toHaveLength(1);
  });

  test("P4. the server ends it after Sync was sent: it says so, and it is not in", async () => {
    const update: Statement = { name: "update", text: "update marks set count = 1 where name = $1", values: ["held"] };
    const error = await cutDuring(program([insert("a"), update]));
    expect(judgeFailure(error)).toBe("lost");
    expect(await names()).toEqual([{ name: "held" }]);
  });

  test("P4. the connection breaks after Sync was sent, without a word: it may be in all the same", async () => {
    const update: Statement = { name: "update", text: "update marks set count = 1 where name = $1", values: ["held"] };
    await query(database.url, "insert into marks (name) values ('held')");
    const locked = gate();
    const lock = holdRow(database.url, "held", locked);
    await locked.entered;
    const transacted = failureOf(connection.transact(program([insert("a"), update])));
    await eventually(async () => (await blocked(database.url)).length === 1);
    await connection.close();
    expect(judgeFailure(await transacted)).toBe("lost");
    locked.open();
    await lock;
    // The server had all it needed.
    await eventually(async () => expect(await names()).toEqual([{ name: "a" }, { name: "held" }]));
  });

  test.each([
    ["commits", [insert("a")], ["a", "b"]],
    ["fails", [insert("a"), failing], ["b"]],
  ])(
    "P5. one that was sent ahead: begins when the one before it has ended, which %s",
    async (_how, first, expected) => {
      let ahead: Promise<unknown> | undefined;
      const ended: string[] = [];
      const sendAhead = () => {
        ahead = connection.transact(program([insert("b")])).then(() => ended.push("ahead"));
      };
      const note = () => ended.push("first");
      await connection.transact(program([count], first), sendAhead).then(note, note);
      await ahead;
      expect(ended).toEqual(["first", "ahead"]);
      expect((await names()).map(({ name }) => name)).toEqual(expected);
    },
  );

  /** Ends the connection's backend while the program waits for a lock. */
  async function cutDuring(each: Program<unknown>): Promise<Error> {
    await query(database.url, "insert into marks (name) values ('held')");
    const locked = gate();
    const lock = holdRow(database.url, "held", locked);
    await locked.entered;
    const transacted = failureOf(connection.transact(each));
    await eventually(async () => (await blocked(database.url)).length === 1);
    await query(database.url, "select pg_terminate_backend($1)", [(await blocked(database.url))[0]?.pid]);
    const error = await transacted;
    locked.open();
    await lock;
    return error;
  }
});

describe("a writer connection", () => {
  test("E1. commits durably, whatever the server's default is", async () => {
    const [settings] = await connection.query(
      `select current_setting('synchronous_commit') as durable, current_setting('transaction_isolation') as isolation,
              current_setting('plan_cache_mode') as plans`,
    );
    expect(settings).toEqual({ durable: "on", isolation: "read committed", plans: "force_generic_plan" });
  });
});
