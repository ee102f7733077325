import { readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { writeSync } from "node:fs";
import { expect, test } from "vitest";
import { openServerLog } from "../../src/postgres/server-log.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";

const MIB = 1024 * 1024;

test("the tail: the last lines since the log was opened, nothing older", async () => {
  await using directory = await createTemporaryDirectory();
  const file = path.join(directory.path, "postgres.log");
  await writeFile(file, "of an earlier run\n");
  const log = openServerLog(file);
  expect(log.tail()).toBe("");
  writeSync(log.fd, Array.from({ length: 40 }, (_, index) => `line ${index}\n`).join(""));
  expect(log.tail().split("\n")).toEqual(Array.from({ length: 12 }, (_, index) => `line ${index + 28}`));
  log.close();
  expect(await readFile(file, "utf8")).toMatch(/^of an earlier run\nline 0\n/);
});

test("a log of more than 8 MiB: it is moved aside when it is opened, and begins anew", async () => {
  await using directory = await createTemporaryDirectory();
  const file = path.join(directory.path, "postgres.log");
  await writeFile(file, Buffer.alloc(9 * MIB, "old\n"));
  const log = openServerLog(file);
  writeSync(log.fd, "new\n");
  expect(log.tail()).toBe("new");
  log.close();
  expect((await stat(`${file}.1`)).size).toBe(9 * MIB);
  expect(await readFile(file, "utf8")).toBe("new\n");
});
