// The binaries as npm may leave them: without the links of the shared libraries
// (install scripts off), or where the user of Postgres cannot get to them.

import { execFile } from "node:child_process";
import { chmod, cp, lstat, readdir, readFile, stat, unlink } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { prepareBinaries } from "../../src/postgres/binaries.ts";
import { findPlatformPackage, type PlatformPackage } from "../../src/postgres/platform-package.ts";
import { chooseServerUser } from "../../src/postgres/server-user.ts";
import { createTemporaryDirectory, type TemporaryDirectory } from "../support/temporary-directory.ts";

/** The package as npm unpacks it, before any install script. */
async function unpackPackage(directory: TemporaryDirectory): Promise<PlatformPackage> {
  const source = await findPlatformPackage();
  const nativeDir = path.join(directory.path, "package", "native");
  await cp(source.nativeDir, nativeDir, { recursive: true, verbatimSymlinks: true });
  for (const link of await linksOf(nativeDir)) await unlink(link).catch(() => undefined);
  return { ...source, nativeDir };
}

async function linksOf(nativeDir: string): Promise<string[]> {
  const list = await readFile(path.join(nativeDir, "pg-symlinks.json"), "utf8");
  const links = JSON.parse(list) as { target: string }[];
  return links.map(({ target }) => path.join(path.dirname(nativeDir), target));
}

async function versionOf(binariesDir: string): Promise<string> {
  const { stdout } = await promisify(execFile)(path.join(binariesDir, "bin", "postgres"), ["--version"], { env: {} });
  return stdout;
}

test("install scripts were off: the links are made, and the package is used where it is", async () => {
  await using directory = await createTemporaryDirectory();
  const source = await unpackPackage(directory);
  await expect(versionOf(source.nativeDir)).rejects.toThrow("error while loading shared libraries");
  const cacheDir = path.join(directory.path, "cache");
  expect(await prepareBinaries(source, await chooseServerUser("/nowhere"), cacheDir)).toBe(source.nativeDir);
  expect(await versionOf(source.nativeDir)).toContain(`(PostgreSQL) ${source.major}.`);
  for (const link of await linksOf(source.nativeDir)) expect((await lstat(link)).isSymbolicLink()).toBe(true);
  expect(await readdir(directory.path)).toEqual(["package"]);
});

test.runIf(process.getuid?.() === 0)(
  "a checkout in root's 0700 home: a copy that Postgres can reach is made once (needs root)",
  async () => {
    await using directory = await createTemporaryDirectory();
    const source = await unpackPackage(directory);
    await chmod(path.join(directory.path, "package"), 0o700);
    const user = await chooseServerUser("/nowhere");
    const cacheDir = path.join(directory.path, "cache");

    const copy = await prepareBinaries(source, user, cacheDir);
    expect(copy).toBe(path.join(cacheDir, `postgres-${source.version}-${source.platform}`));
    expect(await readdir(cacheDir)).toEqual([path.basename(copy)]);
    expect(await versionOf(copy)).toContain(`(PostgreSQL) ${source.major}.`);
    const { ino } = await stat(copy);
    expect(await prepareBinaries(source, user, cacheDir)).toBe(copy);
    expect((await stat(copy)).ino).toBe(ino);
    expect((await stat(path.join(directory.path, "package"))).mode & 0o777).toBe(0o700);
  },
);

test("binaries that do not run on this machine: the error says so, and what else to do", async () => {
  await using directory = await createTemporaryDirectory();
  const source = await unpackPackage(directory);
  await promisify(execFile)("cp", ["/bin/sh", path.join(source.nativeDir, "lib", "libcrypto.so.1.1")]);
  const cacheDir = path.join(directory.path, "cache");
  await expect(prepareBinaries(source, await chooseServerUser("/nowhere"), cacheDir)).rejects.toThrow(
    /^The Postgres that comes with hydra does not run on this machine: .*libcrypto[^]*Set DATABASE_URL/,
  );
});
