import pg from "pg";
import { describe, expect, test } from "vitest";
import { UNOBSERVED } from "../../../src/engine/observer.ts";
import { eventually } from "../../support/eventually.ts";
import { blocked, callOf, createMarks, handler, mark, marksOf, query, shared, startEngine } from "../support.ts";

const count = handler<string>("count", (ctx, name) => Promise.resolve(ctx.tx(mark, { name })), shared);

/** Makes the first `times` batches that come to `table` fail; a sequence counts them, since it is not rolled back. */
function failFirst(databaseUrl: string, table: string, errcode: string, times: number) {
  return query(
    databaseUrl,
    `create sequence failed;
     create function fail_first() returns trigger language plpgsql as $$
       begin
         if nextval('failed') <= ${times} then raise exception 'injected' using errcode = '${errcode}'; end if;
         return null;
       end $$;
     create trigger fail_first before insert or update on ${table} for each statement execute function fail_first()`,
  );
}

async function failures(databaseUrl: string): Promise<number> {
  const [row] = await query<{ n: string }>(databaseUrl, "select last_value as n from failed");
  return Number(row?.n);
}

describe.each([
  ["a serialization failure", "40001"],
  ["a deadlock", "40P01"],
])("%s is reported, several times in a row", (_what, errcode) => {
  test.each(["marks", "engine.invocations", "engine.journal"])(
    "where a batch writes %s: it is repeated and committed once, and nobody fails",
    async (table) => {
      await using db = await createMarks();
      let failedAttempts = 0;
      const observer = { ...UNOBSERVED, attemptFailed: () => failedAttempts++ };
      await using engine = await startEngine(db.url, [count], { observer });
      await failFirst(db.url, table, errcode, 5);
      const names = Array.from({ length: 30 }, (_, i) => `name ${i}`);
      const outputs = await Promise.all(names.map((name) => callOf(engine, "count", name, name)));
      expect(outputs).toEqual(names.map(() => ({ count: 1 })));
      expect(await marksOf(db.url)).toEqual(Object.fromEntries(names.map((name) => [name, 1])));
      expect(await failures(db.url)).toBeGreaterThan(5);
      expect(failedAttempts).toBe(0);
      // By the same node: the connection is as good as before.
      expect(engine.stats().nodeId).toBe("1");
    },
  );
});

test("a real deadlock with somebody else's session, of which the batch is the victim: it is committed afterwards", async () => {
  await using db = await createMarks();
  await query(db.url, "insert into marks values ('a', 0), ('b', 0)");
  await using engine = await startEngine(db.url, []);
  const other = new pg.Client({ connectionString: db.url });
  await other.connect();
  try {
    // It looks for deadlocks much later than the batch, so that the batch finds it.
    await other.query("set deadlock_timeout = '60s'; begin; update marks set count = count + 10 where name = 'b'");
    const calls = engine.executeMany(mark, [{ name: "a" }, { name: "b" }]);
    await eventually(async () => (await blocked(db.url)).length === 1);
    await other.query("update marks set count = count + 10 where name = 'a'");
    await other.query("commit");
    expect(await calls).toEqual([{ count: 11 }, { count: 11 }]);
  } finally {
    await other.end();
  }
  const [row] = await query<{ deadlocks: string }>(
    db.url,
    "select deadlocks from pg_stat_database where datname = current_database()",
  );
  expect(Number(row?.deadlocks)).toBe(1);
  expect(await marksOf(db.url)).toEqual({ a: 11, b: 11 });
  expect(engine.stats().nodeId).toBe("1");
});

test("a serialization failure at every commit: the call that meets it fails, and the node goes on", async () => {
  await using db = await createMarks();
  await using engine = await startEngine(db.url, [count]);
  await failFirst(db.url, "marks", "40001", 1_000_000);
  await expect(engine.execute(mark, { name: "never" })).rejects.toMatchObject({ code: "40001" });
  await query(db.url, "drop trigger fail_first on marks");
  expect(await callOf(engine, "count", "k", "later")).toEqual({ count: 1 });
  expect(engine.stats().nodeId).toBe("1");
});
