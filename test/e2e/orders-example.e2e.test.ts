import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { createDatabase } from "../support/database.ts";
import { refuseLeaks } from "../support/leaks.ts";

refuseLeaks();

const run = promisify(execFile);
const MAIN = path.resolve(import.meta.dirname, "../../examples/orders/main.ts");

test("the example of the engine alone: each order comes to its end, and what was taken for those cancelled is back", async () => {
  await using database = await createDatabase();
  const { stdout } = await run(process.execPath, [MAIN], { env: { ...process.env, DATABASE_URL: database.url } });
  const lines = stdout.trim().split("\n");
  expect(lines).toEqual([
    expect.stringMatching(/^an order that is paid: shipped, in parcel P-\w+-1$/),
    "an order that is never paid: cancelled, it was not paid in time",
    expect.stringMatching(/^an order that is paid after its server was killed with -9 .*: shipped, in parcel P-\w+-3$/),
    "an order that is paid, and cannot be shipped: cancelled, no parcel service takes a vase; the money is back",
    "taken from the stock: 2 cups, 0 vases",
  ]);
});
