import pg from "pg";
import { expect, test } from "vitest";
import { COUNT_OPEN_INVOCATIONS } from "../../../src/engine/store/counts.ts";
import { createDatabase } from "../../support/database.ts";

test("counting open invocations: reads no row of one that has ended", async () => {
  await using db = await createDatabase();
  const client = new pg.Client({ connectionString: db.url, options: "-c enable_seqscan=off" });
  await client.connect();
  const { rows } = await client.query<{ "QUERY PLAN": string }>(`explain ${COUNT_OPEN_INVOCATIONS}`);
  await client.end();
  const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
  for (const index of ["queued", "ready", "running", "parked", "starting"]) {
    expect(plan).toContain(`invocations_${index}`);
  }
  expect(plan).not.toMatch(/Seq Scan|invocations_pkey/);
});
