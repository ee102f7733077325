import { createHydraClient } from "../src/client/index.ts";
import type { BenchPostgres } from "./database.ts";
import { startDevProcess } from "./server-process.ts";

/** How long Cancel takes to answer in the middle of a rollout of 10,000, in ms. */
export async function measureCancel(postgres: BenchPostgres): Promise<number> {
  const databaseUrl = await postgres.createDatabase("cancel");
  const args = ["--sentinels", "10000", "--converge", "0-200", "--deploy-timeout", "10m"];
  const server = await startDevProcess(args, { DATABASE_URL: databaseUrl });
  try {
    const { rollouts } = createHydraClient({ baseUrl: server.url });
    const ended = rollouts.rollout({ image: "ghcr.io/acme/sentinel:v1" });
    for await (const { message } of rollouts.watch({ afterSequence: 0n })) {
      // The last wave has begun: 5,000 deploys are being born and run.
      if (message.case === "event" && message.value.waveIndex === 4) break;
    }
    const startedAt = performance.now();
    await rollouts.cancel({});
    const cancelMs = performance.now() - startedAt;
    await ended;
    return cancelMs;
  } finally {
    await server.stop();
  }
}
