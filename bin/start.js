// A checkout runs from source (Node strips the types), the published package from what was built.
import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";
import v8 from "node:v8";
import { useBundledPackages } from "./bundled-packages.js";

const source = new URL("../src/bin/hydra.ts", import.meta.url);
const built = new URL("../dist/bin/hydra.js", import.meta.url);

// Most of what a rollout allocates is dead at once. A young generation that grows less, and an old one that is cleared
// sooner, keep the process at 340 MB instead of 480 for 10,000 sentinels, at the same speed (docs/performance.md).
// Not from the first instant on: a command that is done at once would pay a fifth of its time for it.
// An agent reads large objects of a cluster and keeps little of them: it has no use for a large young generation.
const semiSpaceMb = process.argv[2] === "agent" ? 4 : 16;
setTimeout(() => {
  v8.setFlagsFromString(`--max-semi-space-size=${semiSpaceMb}`);
  v8.setFlagsFromString("--heap-growing-percent=50");
}, 1_000).unref();

useBundledPackages();

if (existsSync(source)) {
  // Stripping the types and compiling takes longer than most commands; it is done once for each version of a file.
  module.enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/hydra", import.meta.url)));
  await import(source);
} else {
  await import(built);
}
