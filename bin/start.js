// A checkout runs from source (Node strips the types), the published package from what was built.
import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";
import v8 from "node:v8";
import { useBundledPackages } from "./bundled-packages.js";

const source = new URL("../src/bin/hydra.ts", import.meta.url);
const built = new URL("../dist/program/hydra.js", import.meta.url);

// Most of what a rollout allocates is dead at once. An old generation that is cleared sooner keeps the process at 340 MB
// instead of 480 for 10,000 sentinels, at the same speed (docs/performance.md).
// Not from the first instant on: a command that is done at once would pay a fifth of its time for it.
setTimeout(() => v8.setFlagsFromString("--heap-growing-percent=50"), 1_000).unref();
// Node writes what it has compiled when it ends; a server that is killed does not get to it.
for (const afterMs of [1_000, 10_000]) setTimeout(() => module.flushCompileCache(), afterMs).unref();
// An agent reads large objects of a cluster and keeps little of them: a young generation that does not grow.
if (process.argv[2] === "agent") v8.setFlagsFromString("--semi-space-growth-factor=1");

// Stripping the types and compiling takes longer than most commands; it is done once for each version of a file. Where
// the folder cannot be written to, everything works without.
const compiled = (folder) => module.enableCompileCache(fileURLToPath(new URL(folder, import.meta.url)));

if (existsSync(source)) {
  useBundledPackages();
  compiled("../node_modules/.cache/hydra");
  await import(source);
} else {
  compiled("../dist/program/.compiled");
  await import(built);
}
