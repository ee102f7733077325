// A checkout runs from source (Node strips the types), the published package from what was built.
import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

const source = new URL("../src/bin/hydra.ts", import.meta.url);
const built = new URL("../dist/bin/hydra.js", import.meta.url);

if (existsSync(source)) {
  // Stripping the types and compiling takes longer than most commands; it is done once for each version of a file.
  module.enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/hydra", import.meta.url)));
  await import(source);
} else {
  await import(built);
}
