import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { createHydraClient } from "../src/client/index.ts";
import { findEmbeddedPostgres } from "../src/postgres/index.ts";
import { freePort } from "../test/kube/free-port.ts";
import { type BenchPostgres, temporaryDirectory } from "./database.ts";
import { populate } from "./fleet.ts";
import { type ServerProcess, startDevProcess, startServerProcess } from "./server-process.ts";

export interface RecoveryFigures {
  /** Until the new process has taken up what the dead one held. */
  readonly restartTakenUp: readonly number[];
  readonly restart: readonly number[];
  readonly restartEmbedded: readonly number[];
  readonly killed: readonly number[];
  readonly stopped: readonly number[];
}

const RUNS = 5;
const SENTINELS = 2_000;
const CONVERGE_MS = 200;
const WITH_FLEET = ["--sentinels", String(SENTINELS), "--converge", `0-${CONVERGE_MS}`];
const TIMEOUT = { HYDRA_DEPLOY_TIMEOUT: "10m" };

/** From the end of a server in mid-wave, or from its next start, until the first of what it held has ended; in ms. */
export async function measureRecovery(postgres: BenchPostgres): Promise<RecoveryFigures> {
  const figures = {
    restartTakenUp: [] as number[],
    restart: [] as number[],
    restartEmbedded: [] as number[],
    killed: [] as number[],
    stopped: [] as number[],
  };
  for (let run = 0; run < RUNS; run++) {
    const database = async (name: string) => ({
      ...TIMEOUT,
      DATABASE_URL: await postgres.createDatabase(`recovery_${name}`),
    });
    const { takenUp, ended } = await restarted([], await database("restart"));
    figures.restartTakenUp.push(takenUp);
    figures.restart.push(ended);
    const dataDir = await temporaryDirectory();
    const embedded = await restarted(["--data-dir", dataDir], { ...TIMEOUT, DATABASE_URL: undefined }, dataDir);
    figures.restartEmbedded.push(embedded.ended);
    await rm(dataDir, { recursive: true, force: true });
    figures.killed.push(await takenOver(await database("killed"), "SIGKILL"));
    figures.stopped.push(await takenOver(await database("stopped"), "SIGSTOP"));
  }
  return figures;
}

interface Held {
  /** Invocations that the server had when the signal was sent. */
  readonly ids: readonly string[];
  /** When that was, by the clock that Postgres reads too. */
  readonly since: Date;
}

async function restarted(
  more: readonly string[],
  env: { DATABASE_URL: string | undefined },
  dataDir?: string,
): Promise<{ takenUp: number; ended: number }> {
  // Its agents find it there again.
  const args = ["--port", String(await freePort()), ...more];
  const first = await startServerProcess(args, env);
  const population = { baseUrl: first.url, sentinels: SENTINELS, convergeMs: CONVERGE_MS };
  await using _ = await populate(createHydraClient({ baseUrl: first.url }), population);
  const urlNow = async () => env.DATABASE_URL ?? (await findEmbeddedPostgres(dataDir ?? ""));
  const held = await endInMidWave(first, await urlNow(), "SIGKILL");
  await first.exited;
  const startedAt = performance.now();
  const starting = startServerProcess(args, env);
  const [takenUp, ended] = [await firstThat(TAKEN_UP, urlNow, held), await firstThat(ENDED, urlNow, held)];
  const second = await starting;
  // Its Postgres has to be stopped with it.
  if (dataDir !== undefined) await second.stop();
  second.signal("SIGKILL");
  await second.exited;
  return { takenUp: takenUp - startedAt, ended: ended - startedAt };
}

async function takenOver(env: { DATABASE_URL: string }, how: "SIGKILL" | "SIGSTOP"): Promise<number> {
  const first = await startDevProcess(WITH_FLEET, env);
  const second = await startDevProcess(WITH_FLEET, env);
  const held = await endInMidWave(first, env.DATABASE_URL, how);
  const endedAt = performance.now();
  const progressed = await firstThat(ENDED, async () => env.DATABASE_URL, held);
  for (const server of [first, second]) {
    server.signal("SIGKILL");
    await server.exited;
  }
  return progressed - endedAt;
}

/** Starts a rollout, waits until its last wave is under way, and sends the signal. */
async function endInMidWave(server: ServerProcess, url: string | undefined, signal: NodeJS.Signals): Promise<Held> {
  const { rollouts } = createHydraClient({ baseUrl: server.url });
  rollouts.rollout({ image: "ghcr.io/acme/sentinel:v2" }).catch(() => {});
  let events = 0;
  for await (const { message } of rollouts.watch({ afterSequence: 0n })) {
    if (message.case === "event" && message.value.waveIndex === 4 && ++events > 200) break;
  }
  const client = await connect(url);
  client.on("error", () => {});
  const { rows } = await client.query<{ id: string }>(
    `select id from engine.invocations where completed_at is null and service like '%SentinelService'
        and owner = (select min(id) from engine.nodes where fenced_at is null)`,
  );
  server.signal(signal);
  const since = new Date();
  await client.end().catch(() => {});
  return { ids: rows.map(({ id }) => id), since };
}

const ENDED = "completed_at > $2::timestamptz";
/** Ids of nodes grow. */
const TAKEN_UP = "owner = (select max(id) from engine.nodes where fenced_at is null and started_at > $2::timestamptz)";

/** When the first of these invocations is so, by the monotonic clock. */
async function firstThat(
  condition: string,
  urlNow: () => Promise<string | undefined>,
  { ids, since }: Held,
): Promise<number> {
  if (ids.length === 0) throw new Error("the server held nothing: there is nothing to measure");
  const text = `select from engine.invocations where id = any($1::int8[]) and ${condition} limit 1`;
  for (;;) {
    try {
      const client = await connect(await urlNow());
      client.on("error", () => {});
      while ((await client.query(text, [ids, since])).rowCount === 0) await delay(5);
      const at = performance.now();
      await client.end();
      return at;
    } catch {
      // The embedded Postgres is being started.
      await delay(5);
    }
  }
}

async function connect(url: string | undefined): Promise<pg.Client> {
  if (url === undefined) throw new Error("no database yet");
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}
