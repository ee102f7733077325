import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const root = path.dirname(import.meta.dirname);

interface PackageFile {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
  engines: { node: string };
}

interface LockFile {
  packages: Record<string, { hasInstallScript?: boolean; resolved?: string }>;
}

function read(file: string): string {
  return readFileSync(path.join(root, file), "utf8");
}

const packageFile = JSON.parse(read("package.json")) as PackageFile;
const lockFile = JSON.parse(read("package-lock.json")) as LockFile;
const { dependencies, devDependencies, optionalDependencies } = packageFile;
const direct = { ...dependencies, ...devDependencies, ...optionalDependencies };

test("docs/dependencies.md: gives a reason for each dependency, and for no other", () => {
  const explained = [...read("docs/dependencies.md").matchAll(/^- `([^`]+)`: \S/gm)].map(([, name]) => name ?? "");
  expect(explained.toSorted()).toEqual(Object.keys(direct).toSorted());
});

test("versions: are exact", () => {
  expect(Object.values(direct).filter((version) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
});

test("packages with an install script: allowScripts judges each, and no other", () => {
  const withScript = Object.entries(lockFile.packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([place]) => place.replace(/^.*node_modules\//, ""));
  expect(Object.keys(packageFile.allowScripts).toSorted()).toEqual([...new Set(withScript)].toSorted());
});

test("the lock file: names no registry", () => {
  expect(Object.values(lockFile.packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
});

test("bin/hydra.js: asks for the Node that engines names", () => {
  const [, major, minor] = /needed = \[(\d+), (\d+)\]/.exec(read("bin/hydra.js")) ?? [];
  expect(packageFile.engines.node).toBe(`>=${major}.${minor}`);
});
