import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { readPostmasterFile } from "../../src/postgres/postmaster-file.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";

const STARTING = "4711\n/data\n1790000000\n5432\n/tmp/hydra-0123\n\n  1048577         3\n";

test.each([
  ["no file", undefined, undefined],
  ["an empty file, as a full disk leaves it", "", undefined],
  ["a file without a pid", "\n/data\n", undefined],
  ["Postgres has only begun to write it", "4711", { pid: 4711, socketDir: "", ready: false }],
  ["Postgres replays its log", `${STARTING}starting\n`, { pid: 4711, socketDir: "/tmp/hydra-0123", ready: false }],
  ["Postgres answers", `${STARTING}ready   \n`, { pid: 4711, socketDir: "/tmp/hydra-0123", ready: true }],
  ["Postgres shuts down", `${STARTING}stopping\n`, { pid: 4711, socketDir: "/tmp/hydra-0123", ready: false }],
])("%s", async (_, text, expected) => {
  await using directory = await createTemporaryDirectory();
  if (text !== undefined) await writeFile(path.join(directory.path, "postmaster.pid"), text);
  expect(await readPostmasterFile(directory.path)).toEqual(expected);
});
