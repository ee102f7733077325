// Everything that has to be green before a change goes in, quick things first. Stops at the first failure.
import { spawnSync } from "node:child_process";

/** Scripts of package.json, and what each of them says when it passes. */
const STEPS: readonly (readonly [script: string, meaning: string])[] = [
  ["format:check", "every file is formatted"],
  ["lint", "no lint"],
  ["types", "the types agree"],
  ["proto:lint", "the .proto files follow the rules"],
  ["proto:breaking", "no change of the .proto files breaks a client of the last release"],
  ["verify:generated", "src/gen and the generated pages of docs are what they are made from"],
  ["unused", "no file, export or dependency is left unused"],
  ["build", "the package builds"],
  ["test", "the tests pass"],
];

for (const [script, meaning] of STEPS) {
  console.log(`\n── ${script}: ${meaning}`);
  const startedAt = performance.now();
  const { status } = spawnSync("npm", ["run", "--silent", script], { stdio: "inherit" });
  if (status !== 0) {
    console.error(`── ${script}: FAILED`);
    process.exit(1);
  }
  console.log(`── ${script}: ok, ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
}
console.log("\nverify: all green");
