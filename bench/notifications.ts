import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { createHydraClient } from "../src/client/index.ts";
import { SentinelRolloutState } from "../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import type { BenchPostgres } from "./database.ts";
import { postgresCpuMs } from "./postgres-cpu.ts";
import { startDevProcess } from "./server-process.ts";
import { median } from "./statistics.ts";

/** Medians of one kind of rollout. */
export interface NotificationFigures {
  readonly elapsedMs: number;
  /** Of the server, with the fleet in it, and of Postgres; until its messages had been sent or tried. */
  readonly cpuMs: number;
}

const SENTINELS = 1_000;
const ROUNDS = 15;
/** A poll and all messages of a rollout fit into it. */
const SETTLING_MS = 1_500;

/** Rollouts of 1,000 in turns on one server: without a webhook, with one that answers at once, with one that never does. */
export async function measureNotifications(postgres: BenchPostgres) {
  const databaseUrl = await postgres.createDatabase("notifications");
  const webhook = await startWebhook();
  const args = ["--sentinels", String(SENTINELS), "--converge", "0", "--deploy-timeout", "10m"];
  const env = { DATABASE_URL: databaseUrl, HYDRA_WEBHOOK_ALLOWED_HOSTS: webhook.host };
  const server = await startDevProcess(args, env);
  try {
    const { rollouts } = createHydraClient({ baseUrl: server.url });
    const cpuMs = async () => (await server.cpuMs()) + (await postgresCpuMs(postgres.pid));
    let images = 0;
    const measure = async (slackWebhookUrl: string): Promise<NotificationFigures> => {
      const [startedAt, cpuBefore] = [performance.now(), await cpuMs()];
      const { state } = await rollouts.rollout({ image: `ghcr.io/acme/sentinel:v${++images}`, slackWebhookUrl });
      if (state !== SentinelRolloutState.COMPLETED) throw new Error(`the rollout ended in state ${state}`);
      const elapsedMs = performance.now() - startedAt;
      await delay(SETTLING_MS);
      return { elapsedMs, cpuMs: (await cpuMs()) - cpuBefore };
    };
    return await inTurns(measure, webhook.host);
  } finally {
    await server.stop();
    await webhook.stop();
  }
}

async function inTurns(measure: (url: string) => Promise<NotificationFigures>, host: string) {
  const urls = ["", `http://${host}/takes`, `http://${host}/hangs`];
  const runs: NotificationFigures[][] = urls.map(() => []);
  // Code and plans get warm.
  for (const url of urls) await measure(url);
  for (let round = 0; round < ROUNDS; round++) {
    for (let turn = 0; turn < urls.length; turn++) {
      // Whoever comes first differs from round to round.
      const which = (round + turn) % urls.length;
      runs[which]?.push(await measure(urls[which] ?? ""));
    }
  }
  const [without, takes, hangs] = runs.map((figures) => ({
    elapsedMs: median(figures.map(({ elapsedMs }) => elapsedMs)),
    cpuMs: median(figures.map(({ cpuMs }) => cpuMs)),
  }));
  if (!without || !takes || !hangs) throw new Error("nothing was measured");
  return { without, takes, hangs };
}

async function startWebhook(): Promise<{ host: string; stop(): Promise<void> }> {
  const server = http.createServer((request, response) => {
    request.resume();
    if (request.url === "/takes") response.end("ok");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
