import { cp, symlink } from "node:fs/promises";
import path from "node:path";

const ROOT = path.resolve(import.meta.dirname, "../..");

/** What the package, the examples and the scripts that build them are made of. */
const PARTS = [
  "bin",
  "examples",
  "proto",
  "scripts",
  "src",
  ".npmrc",
  "package.json",
  "tsconfig.json",
  "tsconfig.build.json",
  "CHANGELOG.md",
  "LICENSE",
  "README.md",
];

/** What a build leaves behind in a checkout. */
const BUILT = new Set(["node_modules", "gen", "hydra", ".venv", "__pycache__"]);

/**
 * Copies the checkout, so that a test can build in it what others use meanwhile. It shares `node_modules` with the
 * original.
 */
export async function copyCheckout(directory: string): Promise<void> {
  for (const part of PARTS) {
    const from = path.join(ROOT, part);
    await cp(from, path.join(directory, part), { recursive: true, filter: (file) => !isBuilt(file) });
  }
  await symlink(path.join(ROOT, "node_modules"), path.join(directory, "node_modules"));
}

function isBuilt(file: string): boolean {
  const [top, ...rest] = path.relative(ROOT, file).split(path.sep);
  return top === "examples" && rest.some((name) => BUILT.has(name));
}
