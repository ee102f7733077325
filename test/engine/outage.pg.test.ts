import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { createMarks, ended, handler, mark, marksOf, outputOf, query, shared, startEngine } from "./support.ts";

const WRITER = "hydra engine writer";
const LISTENER = "hydra engine wakeups";

function terminate(databaseUrl: string, applicationName: string) {
  return query(
    databaseUrl,
    `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = $1 and datname = current_database()`,
    [applicationName],
  );
}

describe("the database connection breaks", () => {
  const count = handler<string>("count", (ctx, name) => Promise.resolve(ctx.tx(mark, { name })), shared);

  test("under load: calls succeed or are told unavailable, nothing is done twice, and the engine goes on", async () => {
    await using db = await createMarks();
    await using engine = await startEngine(db.url, [count]);
    const accepted: string[] = [];
    let refused = 0;
    const caller = async (number: number) => {
      for (let i = 0; i < 40; i++) {
        const name = `${number}-${i}`;
        try {
          const { invocationId } = await engine.invoke({ service: "test", handler: "count", key: name, input: name });
          accepted.push(invocationId);
        } catch (error) {
          expect((error as { kind?: string }).kind).toBe("unavailable");
          refused++;
        }
      }
    };
    const load = Promise.all(Array.from({ length: 20 }, (_, i) => caller(i)));
    for (let i = 0; i < 3; i++) {
      const before = accepted.length;
      await eventually(() => accepted.length + refused >= 800 || accepted.length > before + 50);
      await terminate(db.url, WRITER);
    }
    await load;
    const outcomes = await Promise.all(accepted.map((id) => ended(engine, id)));
    expect(new Set(outcomes.map(outputOf).map((output) => JSON.stringify(output)))).toEqual(new Set(['{"count":1}']));
    const marks = await marksOf(db.url);
    expect(Object.values(marks).every((times) => times === 1)).toBe(true);
    expect(Object.keys(marks).length).toBeGreaterThanOrEqual(accepted.length);
    expect(accepted.length + refused).toBe(800);
  });
});
