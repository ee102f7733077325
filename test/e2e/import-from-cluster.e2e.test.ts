import { describe, expect, test } from "vitest";
import { refuseLeaks } from "../support/leaks.ts";
import { runHydra } from "./hydra-process.ts";

// What needs no cluster; test/kube/adoption has the rest.

refuseLeaks();

describe("hydra sentinels import, its command line", () => {
  test.each([
    ["neither a file nor a cluster", [], "missing required argument 'file', or --from-cluster"],
    ["a flag of the cluster's without it", ["fleet.jsonl", "--id-label", "x"], "--id-label goes with --from-cluster"],
    ["both", ["fleet.jsonl", "--from-cluster"], "a file and --from-cluster exclude each other"],
    ["no region", ["--from-cluster", "--selector", "a=b"], "which region is the cluster?"],
    ["every Deployment there is", ["--from-cluster", "--region", "east"], "which Deployments?"],
  ])("%s: wrong usage", async (_situation, flags, words) => {
    const { exit, stderr } = await runHydra(["sentinels", "import", ...flags]);
    expect(stderr).toContain(`error: ${words}`);
    expect(exit).toBe(2);
  });
});
