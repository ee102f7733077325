// Builds what the published package runs from, and what `@hydra-rollout/hydra/client` resolves to in a checkout.
// Types are not checked here (`npm run types` does that), so that it takes a second or two.
import { execFileSync } from "node:child_process";
import { cpSync, globSync, rmSync } from "node:fs";
import path from "node:path";
import { bundlePackages } from "./bundle-packages.ts";
import { bundleProgram } from "./bundle-program.ts";

const root = path.dirname(import.meta.dirname);

rmSync(path.join(root, "dist"), { recursive: true, force: true });
execFileSync("tsc", ["-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
for (const file of globSync("**/*.sql", { cwd: path.join(root, "src") })) {
  cpSync(path.join(root, "src", file), path.join(root, "dist", file));
}
await Promise.all([bundlePackages(root), bundleProgram(root)]);
