import { type HydraClient, type RolloutEvent, RolloutEventType } from "../src/client/index.ts";
import type { BenchPostgres } from "./database.ts";
import { type BenchFleet, startFleet } from "./fleet.ts";
import { median, quantile } from "./statistics.ts";

/** How one size of a fleet is rolled. */
export interface SizeFigures {
  readonly deploysPerSecond: number;
  readonly wallMsPerDeploy: number;
  /** Of the server and Postgres, without the agents. */
  readonly cpuMsPerDeploy: number;
  /** Of the server, in MB, over all that was done to it. */
  readonly peakRss: number;
}

export interface LargeFigures extends SizeFigures {
  /** Of Cancel, in the middle of each wave in turn, in ms. */
  readonly cancelMs: readonly number[];
  /** From an event's time, which the database gives it in its commit, until a Watch has it, in ms. */
  readonly watchP50: number;
  readonly watchP99: number;
  readonly watchMax: number;
}

const RUNS = 3;
const WAVES = [0, 1, 2, 3, 4];
const image = (tag: string) => `ghcr.io/acme/sentinel:${tag}`;

/** Rollouts of a fleet that converges at once. Medians. */
export async function measureSize(postgres: BenchPostgres, sentinels: number): Promise<SizeFigures> {
  await using fleet = await startFleet(postgres, sentinels);
  return await rollOutAll(fleet);
}

/** The same, and then with a Watch and with a Cancel in each of its waves. */
export async function measureLarge(postgres: BenchPostgres, sentinels: number): Promise<LargeFigures> {
  await using fleet = await startFleet(postgres, sentinels);
  const size = await rollOutAll(fleet);
  const lags = await watchLags(fleet.client);
  const cancelMs: number[] = [];
  for (const wave of WAVES) cancelMs.push(await cancelIn(fleet.client, wave));
  return {
    ...size,
    peakRss: await fleet.server.peakRss(),
    cancelMs,
    watchP50: quantile(lags, 0.5),
    watchP99: quantile(lags, 0.99),
    watchMax: quantile(lags, 1),
  };
}

async function rollOutAll(fleet: BenchFleet): Promise<SizeFigures> {
  const { sentinels, server } = fleet;
  const [walls, cpus]: [number[], number[]] = [[], []];
  for (let run = 1; run <= RUNS; run++) {
    const { wallMs, cpuMs } = await fleet.rollOut(image(`all${run}`));
    walls.push(wallMs / sentinels);
    cpus.push(cpuMs / sentinels);
  }
  return {
    deploysPerSecond: 1_000 / median(walls),
    wallMsPerDeploy: median(walls),
    cpuMsPerDeploy: median(cpus),
    peakRss: await server.peakRss(),
  };
}

/** Rolls out while somebody watches, who is handed each event and says whether that was all. */
async function rollOutWatched(
  { rollouts }: HydraClient,
  tag: string,
  onEvent: (event: RolloutEvent) => boolean,
): Promise<{ ended: Promise<unknown> }> {
  let ended: Promise<unknown> = Promise.resolve();
  for await (const { message } of rollouts.watch({})) {
    // From the snapshot on nothing is missed.
    if (message.case === "snapshot") ended = rollouts.rollout({ image: image(tag) });
    if (message.case === "event" && onEvent(message.value)) break;
  }
  return { ended };
}

async function watchLags(client: HydraClient): Promise<number[]> {
  const lags: number[] = [];
  const { ended } = await rollOutWatched(client, "watched", ({ time, type }) => {
    lags.push(Date.now() - (Number(time?.seconds) * 1_000 + (time?.nanos ?? 0) / 1e6));
    return type === RolloutEventType.ROLLOUT_COMPLETED;
  });
  await ended;
  return lags;
}

/** Once half of a wave's targets are ready. */
async function cancelIn(client: HydraClient, wave: number): Promise<number> {
  const { ended } = await rollOutWatched(
    client,
    `cancelled${wave}`,
    ({ waveIndex, waveReady = 0, waveSize = 0 }) => waveIndex === wave && waveSize > 0 && waveReady * 2 >= waveSize,
  );
  const startedAt = performance.now();
  await client.rollouts.cancel({});
  const cancelMs = performance.now() - startedAt;
  await ended;
  return cancelMs;
}
