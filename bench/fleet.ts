import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { createHydraClient, type HydraClient, SentinelRolloutState } from "../src/client/index.ts";
import type { BenchPostgres } from "./database.ts";
import { postgresCpuMs } from "./postgres-cpu.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";

const AT_ONCE = 1_000;
const POLL_MS = 50;

/** A hydra in a process of its own, and simulated clusters that converge at once and speak with it over HTTP. */
export interface BenchFleet extends AsyncDisposable {
  readonly sentinels: number;
  readonly server: ServerProcess;
  readonly client: HydraClient;
  /** To its end. */
  rollOut(image: string): Promise<RolloutCost>;
}

export interface RolloutCost {
  readonly wallMs: number;
  /** CPU time of server and Postgres, in ms. */
  readonly cpuMs: number;
}

/** Each region is a cluster with an agent of its own. */
export async function startFleet(postgres: BenchPostgres, sentinels: number, regions = 1): Promise<BenchFleet> {
  await using stack = new AsyncDisposableStack();
  const databaseUrl = await postgres.createDatabase(`fleet_${sentinels}_${regions}`);
  const server = await startServerProcess([], { DATABASE_URL: databaseUrl, HYDRA_DEPLOY_TIMEOUT: "10m" });
  stack.defer(() => server.stop());
  const client = createHydraClient({ baseUrl: server.url });
  stack.use(await populate(client, { baseUrl: server.url, sentinels, regions }));
  const parts = stack.move();
  const cpu = async () => (await server.cpuMs()) + (await postgresCpuMs(postgres.pid));
  return {
    sentinels,
    server,
    client,
    async rollOut(image) {
      const cpuBefore = await cpu();
      const startedAt = performance.now();
      const { state } = await client.rollouts.rollout({ image });
      if (state !== SentinelRolloutState.COMPLETED) throw new Error(`the rollout ended in state ${state}`);
      return { wallMs: performance.now() - startedAt, cpuMs: (await cpu()) - cpuBefore };
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

export interface Population {
  /** Where the agents find hydra. */
  readonly baseUrl: string;
  readonly sentinels: number;
  readonly regions?: number;
  /** Longest time that a sentinel takes. Default: 0. */
  readonly convergeMs?: number;
}

/** Registers sentinels and starts the agents of their regions. */
export async function populate(
  client: HydraClient,
  { baseUrl, sentinels, regions = 1, convergeMs = 0 }: Population,
): Promise<AsyncDisposable> {
  await importFleet(client, sentinels, regions);
  const regionIds = Array.from({ length: regions }, (_, index) => regionId(index));
  const workerData = { baseUrl, regionIds, convergeMs: { min: 0, max: convergeMs } };
  await using stack = new AsyncDisposableStack();
  const agents = new Worker(new URL("./fleet-worker.ts", import.meta.url), { workerData });
  stack.defer(async () => void (await agents.terminate()));
  const failed = once(agents, "error").then(([error]) => Promise.reject(error as Error));
  await Promise.race([agentsHaveReported(client, sentinels), failed]);
  return stack.move();
}

async function importFleet(client: HydraClient, sentinels: number, regions: number): Promise<void> {
  const all = Array.from({ length: sentinels }, (_, index) => ({
    id: `snt_${String(index + 1).padStart(6, "0")}`,
    regionId: regionId(index % regions),
    k8sNamespace: "sentinels",
    k8sName: `snt-${index + 1}`,
    image: "ghcr.io/acme/sentinel:v1",
  }));
  async function* messages() {
    for (let from = 0; from < all.length; from += AT_ONCE) yield { sentinels: all.slice(from, from + AT_ONCE) };
  }
  await client.sentinels.importSentinels(messages());
}

/** Until every agent has its region and has told of it. */
async function agentsHaveReported(client: HydraClient, sentinels: number): Promise<void> {
  for (let pageToken = "", seen = 0; seen < sentinels;) {
    const page = await client.sentinels.listSentinels({ pageSize: AT_ONCE, pageToken });
    const reported = page.sentinels.every(({ runningImage }) => runningImage !== "");
    if (!reported) {
      await delay(POLL_MS);
      continue;
    }
    seen += page.sentinels.length;
    pageToken = page.nextPageToken;
  }
}

function regionId(index: number): string {
  return `region-${index + 1}`;
}
