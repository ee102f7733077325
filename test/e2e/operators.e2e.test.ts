import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { startHydraProcess, urlOf } from "./hydra-process.ts";

refuseLeaks();

const run = promisify(execFile);
const SCRIPT = path.join(import.meta.dirname, "operators.sh");
const FLEET = ["--sentinels", "20", "--converge", "1500ms", "--fail", "snt_000001", "--deploy-timeout", "3s"];

test("the operators' curl commands: every operation in every state does what the state table says", async () => {
  await using directory = await createTemporaryDirectory();
  await using dev = startHydraProcess(["dev", "--port", "0", "--data-dir", directory.path, ...FLEET]);
  const { stdout } = await run(SCRIPT, [await urlOf(dev)]);
  expect(stdout).toMatch(/^\d+ checks passed\n$/);
  dev.kill("SIGTERM");
  expect(await dev.exited).toBe(0);
});
