import { createConnectTransport } from "@connectrpc/connect-node";
import { startSimulatedFleet } from "../src/agent/index.ts";
import { createHydraClient, type HydraClient, SentinelRolloutState } from "../src/client/index.ts";
import type { BenchPostgres } from "./database.ts";
import { postgresCpuMs } from "./postgres-cpu.ts";
import { startServerProcess } from "./server-process.ts";
import { median } from "./statistics.ts";

const RUNS = 5;
const REGION_COUNTS = [1, 10];
const AT_ONCE = 1_000;
const NO_LOG = { debug() {}, info() {}, warn() {}, error() {} };

export interface AgentsFigures {
  readonly deploysPerSecond: number;
  /** Of the server and Postgres, without the agents. */
  readonly cpuMsPerDeploy: number;
}

/**
 * The same fleet in one region and in ten, each region with an agent of its own over HTTP, by the number of regions.
 * Rollouts of the two in turns, so that their ratio is of one minute. Medians.
 */
export async function measureAgents(
  postgres: BenchPostgres,
  sentinels: number,
): Promise<ReadonlyMap<number, AgentsFigures>> {
  await using stack = new AsyncDisposableStack();
  const fleets = new Map<number, BenchFleet>();
  for (const regions of REGION_COUNTS) fleets.set(regions, stack.use(await startFleet(postgres, sentinels, regions)));
  const runs = new Map(REGION_COUNTS.map((regions) => [regions, { speed: [] as number[], cpu: [] as number[] }]));
  for (let run = 1; run <= RUNS; run++) {
    for (const [regions, fleet] of fleets) {
      const { elapsedMs, cpuMs } = await fleet.rollOut(`ghcr.io/acme/sentinel:v${run + 1}`);
      runs.get(regions)?.speed.push((sentinels / elapsedMs) * 1_000);
      runs.get(regions)?.cpu.push(cpuMs / sentinels);
    }
  }
  return new Map(
    [...runs].map(([regions, { speed, cpu }]) => [
      regions,
      { deploysPerSecond: median(speed), cpuMsPerDeploy: median(cpu) },
    ]),
  );
}

interface BenchFleet extends AsyncDisposable {
  /** To its end; CPU time of server and Postgres. */
  rollOut(image: string): Promise<{ elapsedMs: number; cpuMs: number }>;
}

async function startFleet(postgres: BenchPostgres, sentinels: number, regions: number): Promise<BenchFleet> {
  await using stack = new AsyncDisposableStack();
  const databaseUrl = await postgres.createDatabase(`agents_${regions}`);
  // Its own fleet is empty.
  const server = await startServerProcess(["--sentinels", "0", "--deploy-timeout", "10m"], {
    DATABASE_URL: databaseUrl,
  });
  stack.defer(() => server.stop());
  const client = createHydraClient({ baseUrl: server.url });
  await importFleet(client, sentinels, regions);
  const fleet = startSimulatedFleet({
    transport: createConnectTransport({ baseUrl: server.url, httpVersion: "2" }),
    regionIds: Array.from({ length: regions }, (_, index) => regionId(index)),
    convergeMs: { min: 0, max: 0 },
    failures: new Map(),
    seed: 1,
    version: "bench",
    log: NO_LOG,
  });
  stack.defer(() => fleet.stop());
  await agentsHaveReported(client, sentinels);
  const parts = stack.move();
  const cpu = async () => (await server.cpuMs()) + (await postgresCpuMs(postgres.pid));
  return {
    async rollOut(image) {
      const cpuBefore = await cpu();
      const startedAt = performance.now();
      const { state } = await client.rollouts.rollout({ image });
      if (state !== SentinelRolloutState.COMPLETED) throw new Error(`the rollout ended in state ${state}`);
      return { elapsedMs: performance.now() - startedAt, cpuMs: (await cpu()) - cpuBefore };
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
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
    if (!reported) continue;
    seen += page.sentinels.length;
    pageToken = page.nextPageToken;
  }
}

function regionId(index: number): string {
  return `region-${index + 1}`;
}
