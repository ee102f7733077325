import { createHydraClient, type HydraClient } from "../src/client/index.ts";
import { SentinelDesiredState } from "../src/gen/hydra/v1/sentinel_pb.ts";
import type { BenchPostgres } from "./database.ts";
import { Gaps } from "./gaps.ts";
import { copyFloor, prepareCopyFloor } from "./import-floor.ts";
import { startDevProcess } from "./server-process.ts";

export interface ImportFigures {
  readonly rows: number;
  /** In ms, and so are the others. */
  readonly created: number;
  readonly unchanged: number;
  readonly changed: number;
  /** Longest time between two events of a rollout while it runs alone, and while the import of new rows goes on. */
  readonly gapAlone: number;
  readonly gapMeanwhile: number;
  readonly floor: number;
  readonly peakRss: number;
}

const ROWS_PER_MESSAGE = 1_000;
const ALONE_MS = 1_000;

/**
 * An import of `rows` new sentinels into a fleet of 20,000, of the same again, and of the same with another image; then
 * what a running rollout feels of another one.
 */
export async function measureImport(postgres: BenchPostgres, rows: number): Promise<ImportFigures> {
  const databaseUrl = await postgres.createDatabase(`import_${rows}`);
  const args = ["--sentinels", "20000", "--converge", "0-50", "--deploy-timeout", "10m"];
  const hydra = await startDevProcess(args, { DATABASE_URL: databaseUrl });
  try {
    const client = createHydraClient({ baseUrl: hydra.url });
    const floorPool = await prepareCopyFloor(databaseUrl);
    const floor = await copyFloor(floorPool, rows);
    await floorPool.end();
    const created = await importAll(client, rows, "a", "acme/sentinel:v1");
    const unchanged = await importAll(client, rows, "a", "acme/sentinel:v1");
    const changed = await importAll(client, rows, "a", "acme/sentinel:v2");
    const gaps = await gapsOfRollout(client, () => importAll(client, rows, "b", "acme/sentinel:v1"));
    return { rows, created, unchanged, changed, ...gaps, floor, peakRss: await hydra.peakRss() };
  } finally {
    await hydra.stop();
  }
}

async function importAll({ sentinels }: HydraClient, rows: number, prefix: string, image: string): Promise<number> {
  const startedAt = performance.now();
  await sentinels.importSentinels(messages(rows, prefix, image));
  return performance.now() - startedAt;
}

async function* messages(rows: number, prefix: string, image: string) {
  for (let first = 0; first < rows; first += ROWS_PER_MESSAGE) {
    const size = Math.min(ROWS_PER_MESSAGE, rows - first);
    yield { sentinels: Array.from({ length: size }, (_, i) => spec(`${prefix}_${first + i}`, image)) };
  }
}

/** Of a region that no agent serves, and no target of a rollout: what is measured is the import alone. */
function spec(id: string, image: string) {
  const place = { regionId: "bench", k8sNamespace: "sentinels", k8sName: id };
  return { id, ...place, image, workspaceId: "ws", projectId: "project", desiredState: SentinelDesiredState.STANDBY };
}

/** Longest gaps of a rollout in its last wave: for a second alone, then while `work` goes on. */
async function gapsOfRollout({ rollouts }: HydraClient, work: () => Promise<unknown>) {
  const stop = new AbortController();
  const gaps = new Gaps();
  const ended = rollouts.rollout({ image: "ghcr.io/acme/sentinel:v1" });
  const lastWave = Promise.withResolvers<void>();
  const watching = (async () => {
    for await (const { message } of rollouts.watch({ afterSequence: 0n }, { signal: stop.signal })) {
      if (message.case !== "event") continue;
      gaps.note();
      if (message.value.waveIndex === 4) lastWave.resolve();
    }
  })().catch(() => {});
  await lastWave.promise;
  const gapAlone = await gaps.during(() => new Promise((resolve) => setTimeout(resolve, ALONE_MS)));
  const gapMeanwhile = await gaps.during(work);
  await rollouts.cancel({});
  await ended;
  stop.abort();
  await watching;
  return { gapAlone, gapMeanwhile };
}
