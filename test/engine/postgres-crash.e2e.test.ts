import path from "node:path";
import { describe, expect, test } from "vitest";
import { startEmbeddedPostgres } from "../../src/postgres/index.ts";
import { eventually } from "../support/eventually.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { createMarksTable, ended, handler, mark, marksOf, outputOf, send, shared, startEngine } from "./support.ts";

/** What Postgres does at each: end sessions and write what it has; end at once; nothing. */
const ENDS = [
  ["stopped fast", "SIGINT"],
  ["stopped immediately", "SIGQUIT"],
  ["killed", "SIGKILL"],
] as const;

describe("Postgres ends under load, with its durable settings", () => {
  test.each(ENDS)(
    "E1. %s: what was acknowledged is there after its restart, and the engine goes on by itself",
    async (_how, signal) => {
      await using directory = await createTemporaryDirectory();
      const dataDir = path.join(directory.path, "data");
      let postgres = await startEmbeddedPostgres({ dataDir });
      const count = handler<string>("count", async (ctx, name) => ctx.tx(mark, { name }), shared);
      try {
        await createMarksTable(postgres.url);
        await using engine = await startEngine(postgres.url, [count]);
        const accepted = new Map<string, string>();
        const restarted = new AbortController();
        const caller = async (number: number) => {
          for (let i = 0; !restarted.signal.aborted; i++) {
            const name = `${number}-${i}`;
            accepted.set(name, await send(engine, "count", "k", name));
          }
        };
        const load = Promise.allSettled(Array.from({ length: 10 }, (_, i) => caller(i)));
        await eventually(() => accepted.size > 200);
        process.kill(postgres.pid, signal);
        await postgres.exited;
        await postgres.stop();
        postgres = await startEmbeddedPostgres({ dataDir });
        restarted.abort();
        await load;
        for (const id of accepted.values()) expect(outputOf(await ended(engine, id))).toEqual({ count: 1 });
        const marks = await marksOf(postgres.url);
        expect(Object.values(marks).every((times) => times === 1)).toBe(true);
        expect(Object.keys(marks)).toEqual(expect.arrayContaining([...accepted.keys()]));
      } finally {
        await postgres.stop();
      }
    },
  );
});
