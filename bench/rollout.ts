import { createHydraClient } from "../src/client/index.ts";
import { SentinelRolloutState } from "../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import type { BenchPostgres } from "./database.ts";
import { floorRow, floorSet, prepareFloors } from "./floors.ts";
import { postgresCpuMs } from "./postgres-cpu.ts";
import { startDevProcess } from "./server-process.ts";
import { median } from "./statistics.ts";

export interface RolloutFigures {
  readonly sentinels: number;
  readonly hydra: number;
  readonly floorRow: number;
  readonly floorSet: number;
  readonly cpuMsPerDeploy: number;
  readonly peakRss: number;
}

const RUNS = 3;

/** Rollouts over a fleet that converges at once, and the floors before and after each. Medians. */
export async function measureRollout(postgres: BenchPostgres, sentinels: number): Promise<RolloutFigures> {
  const databaseUrl = await postgres.createDatabase(`rollout_${sentinels}`);
  const args = ["--sentinels", String(sentinels), "--converge", "0", "--deploy-timeout", "10m"];
  const server = await startDevProcess(args, { DATABASE_URL: databaseUrl });
  try {
    const floors = await prepareFloors(databaseUrl, sentinels);
    const { rollouts } = createHydraClient({ baseUrl: server.url });
    const figures = { hydra: [] as number[], row: [] as number[], set: [] as number[], cpu: [] as number[] };
    for (let run = 1; run <= RUNS; run++) {
      figures.row.push(await floorRow(floors, sentinels, `row${run}`));
      figures.set.push(await floorSet(floors, sentinels, `set${run}`));
      const cpuBefore = (await server.cpuMs()) + (await postgresCpuMs(postgres.pid));
      const startedAt = performance.now();
      const { state } = await rollouts.rollout({ image: `ghcr.io/acme/sentinel:v${run}` });
      if (state !== SentinelRolloutState.COMPLETED) throw new Error(`the rollout ended in state ${state}`);
      figures.hydra.push((sentinels / (performance.now() - startedAt)) * 1000);
      const cpuAfter = (await server.cpuMs()) + (await postgresCpuMs(postgres.pid));
      figures.cpu.push((cpuAfter - cpuBefore) / sentinels);
    }
    await floors.end();
    return {
      sentinels,
      hydra: median(figures.hydra),
      floorRow: median(figures.row),
      floorSet: median(figures.set),
      cpuMsPerDeploy: median(figures.cpu),
      peakRss: await server.peakRss(),
    };
  } finally {
    await server.stop();
  }
}
