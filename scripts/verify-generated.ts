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
  const { status } = spawnSync("diff", ["-r", "-q", "src/gen", path.join(fresh, "src/gen")], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) {
    console.error("src/gen is not what the .proto files say: run `npm run generate`");
    process.exitCode = 1;
  }
  const pages = spawnSync(process.execPath, ["scripts/generate-docs.ts", "--check"], { cwd: root, stdio: "inherit" });
  if (pages.status !== 0) process.exitCode = 1;
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
