import type { BenchPostgres } from "./database.ts";
import { type BenchFleet, startFleet } from "./fleet.ts";
import { median } from "./statistics.ts";

const RUNS = 5;
const REGION_COUNTS = [1, 10];

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
      const { wallMs, cpuMs } = await fleet.rollOut(`ghcr.io/acme/sentinel:v${run + 1}`);
      runs.get(regions)?.speed.push((sentinels / wallMs) * 1_000);
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
