import { rm } from "node:fs/promises";
import { createHydraClient } from "../src/client/index.ts";
import { temporaryDirectory } from "./database.ts";
import { startDevProcess } from "./server-process.ts";
import { median } from "./statistics.ts";

const RUNS = 5;

/** From the start of `hydra dev` to the answer of its first call, in ms: medians. */
export async function measureStartUp(): Promise<{ fresh: number; existing: number }> {
  const fresh: number[] = [];
  const existing: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const dataDir = await temporaryDirectory();
    fresh.push(await firstCall(dataDir));
    existing.push(await firstCall(dataDir));
    await rm(dataDir, { recursive: true, force: true });
  }
  return { fresh: median(fresh), existing: median(existing) };
}

async function firstCall(dataDir: string): Promise<number> {
  const startedAt = performance.now();
  const server = await startDevProcess(["--data-dir", dataDir], { DATABASE_URL: undefined });
  await createHydraClient({ baseUrl: server.url }).rollouts.getRollout({});
  const ms = performance.now() - startedAt;
  await server.stop();
  return ms;
}
