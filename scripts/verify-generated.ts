// Fails where src/gen is not what `npm run generate` makes of the .proto files, or a page of docs/ not what
// scripts/generate-docs.ts makes of the program.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const root = path.dirname(import.meta.dirname);
const fresh = mkdtempSync(path.join(tmpdir(), "hydra-generated-"));

try {
  execFileSync("buf", ["generate", "--output", fresh], { cwd: root, stdio: "inherit" });
  const orders = "examples/orders";
  execFileSync("buf", ["generate", "--output", path.join(fresh, orders)], {
    cwd: path.join(root, orders),
    stdio: "inherit",
  });
  compare("src/gen", "run `npm run generate`");
  compare(`${orders}/gen`, `run \`npx buf generate\` in ${orders}`);
  const pages = spawnSync(process.execPath, ["scripts/generate-docs.ts", "--check"], { cwd: root, stdio: "inherit" });
  if (pages.status !== 0) process.exitCode = 1;
} finally {
  rmSync(fresh, { recursive: true, force: true });
}

function compare(folder: string, remedy: string): void {
  const { status } = spawnSync("diff", ["-r", "-q", folder, path.join(fresh, folder)], { cwd: root, stdio: "inherit" });
  if (status === 0) return;
  console.error(`${folder} is not what the .proto files say: ${remedy}`);
  process.exitCode = 1;
}
