import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { DEMO_FAILING, DEMO_SENTINELS, type ExitCode, playDemo } from "../cli/index.ts";
import { startChildServer } from "./child-server.ts";
import { ReleaseStack } from "./release-stack.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * `hydra demo`: a server in a process of its own, on a database that lives for
 * the demo only, and an operator in this one. Leaves nothing behind.
 */
export async function demo({ env, terminal, interrupted }: Surroundings): Promise<ExitCode> {
  const started = new ReleaseStack();
  try {
    const dataDir = await mkdtemp(path.join(os.tmpdir(), "hydra-demo-"));
    started.defer(() => rm(dataDir, { recursive: true, force: true }));
    return await playDemo({
      terminal,
      interrupted,
      async startServer() {
        const server = await startChildServer({ args: demoArgs(dataDir), env, signal: interrupted });
        started.defer(() => server.stop());
        return server.url;
      },
    });
  } finally {
    await started.release();
  }
}

function demoArgs(dataDir: string): string[] {
  const fleet = ["--sentinels", String(DEMO_SENTINELS), "--converge", "400ms-2600ms"];
  return ["dev", "--port", "0", "--data-dir", dataDir, ...fleet, "--fail", `${DEMO_FAILING}=image_pull`];
}
