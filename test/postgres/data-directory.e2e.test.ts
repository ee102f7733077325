// Data directories that cannot be used: each is refused with what is wrong and
// what to do, is left as it was, and can be used once that is done.

import { execFileSync } from "node:child_process";
import { appendFile, chmod, mkdir, readdir, readFile, rm, statfs, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { canMount } from "../support/small-disk.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory, type TemporaryDirectory } from "../support/temporary-directory.ts";
import { startAndStop, useDataDirectory, whyNotStart } from "./data-directory.ts";

refuseLeaks();

let directory: TemporaryDirectory;
beforeEach(async () => {
  directory = await createTemporaryDirectory();
});
afterEach(() => directory[Symbol.asyncDispose]());
const usedBefore = useDataDirectory();

test("the data of another major version: refused with how to carry it over, and untouched", async () => {
  const cluster = path.join(directory.path, "postgres");
  await mkdir(cluster);
  await writeFile(path.join(cluster, "PG_VERSION"), "17\n");
  const message = await whyNotStart(directory.path);
  expect(message).toContain(`The data in ${cluster} was written by Postgres 17, and this hydra brings Postgres 18`);
  expect(message).toContain(`pg_dump --clean --if-exists "$(hydra db url)"`);
  expect(await readdir(directory.path)).toEqual(["postgres"]);
  expect(await readdir(cluster)).toEqual(["PG_VERSION"]);
});

test("a directory that holds something else: refused, and untouched", async () => {
  const cluster = path.join(directory.path, "postgres");
  await mkdir(cluster);
  await writeFile(path.join(cluster, "thesis.txt"), "all of it");
  expect(await whyNotStart(directory.path)).toBe(
    `${cluster} holds no data of Postgres (there is no file PG_VERSION) but is not empty. ` +
      `Remove it, or choose another directory with --data-dir.`,
  );
  expect(await readFile(path.join(cluster, "thesis.txt"), "utf8")).toBe("all of it");
});

test("an empty directory where the cluster belongs: it is used", async () => {
  const cluster = path.join(directory.path, "postgres");
  await mkdir(cluster);
  await startAndStop(directory.path);
  expect(await readdir(cluster)).toContain("PG_VERSION");
});

test("a file in place of the directory: refused, naming it", async () => {
  const file = path.join(directory.path, "data");
  await writeFile(file, "");
  expect(await whyNotStart(file)).toMatch(`The embedded Postgres in ${file} could not be started: EEXIST`);
});

test("a directory below others that are not there yet: all are made", async () => {
  await startAndStop(path.join(directory.path, "a", "b", "c"));
  expect(await readdir(path.join(directory.path, "a", "b", "c"))).toContain("postgres");
});

test.runIf(process.platform === "linux")("a directory in which nothing can be made: refused, naming it", async () => {
  expect(await whyNotStart("/proc/hydra/data")).toMatch(
    "The embedded Postgres in /proc/hydra/data could not be started: ENOENT",
  );
});

test("a cluster that lost files: the error has Postgres's own words", async () => {
  await rm(path.join(usedBefore(), "postgres", "global"), { recursive: true });
  expect(await whyNotStart(usedBefore())).toMatch(/Postgres ended while it was starting[^]*pg_control/);
});

test.skipIf(process.getuid?.() === 0)("a directory without write permission (root has it everywhere)", async () => {
  await chmod(directory.path, 0o555);
  expect(await whyNotStart(directory.path)).toMatch(
    /could not be started: EACCES[^]*another directory with --data-dir/,
  );
});

describe.runIf(canMount())("a file system of its own (needs Linux and the right to mount)", () => {
  let mount: string;
  beforeEach(async () => {
    mount = path.join(directory.path, "mount");
    await mkdir(mount);
  });
  afterEach(() => execFileSync("umount", [mount]));

  test("read-only: refused, saying so", async () => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "ro,size=20m", "tmpfs", mount]);
    expect(await whyNotStart(mount)).toMatch(/could not be started: EROFS: read-only file system[^]*--data-dir/);
  });

  test("too small for a new cluster: the error says that the disk is full, and nothing is left in it", async () => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=12m", "tmpfs", mount]);
    expect(await whyNotStart(mount)).toMatch(/initdb says:[^]*The disk that holds .* is full. Free some space/);
    expect(await readdir(mount)).toEqual([]);
  });

  test("full by the time of the next start: the error says so, and it starts once there is room", async () => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=200m", "tmpfs", mount]);
    execFileSync("cp", ["-a", path.join(usedBefore(), "postgres"), mount]);
    const { bavail, bsize } = await statfs(mount);
    const ballast = path.join(mount, "ballast");
    // One block is left: hydra can take its lock, and then Postgres finds the disk full.
    await writeFile(ballast, Buffer.alloc((bavail - 1) * bsize));
    expect(await whyNotStart(mount)).toMatch(/The disk that holds .* is full. Free some space/);
    await appendFile(ballast, Buffer.alloc(bsize));
    expect(await whyNotStart(mount)).toMatch(/no space left on device/);
    await rm(ballast);
    await startAndStop(mount);
  });
});
