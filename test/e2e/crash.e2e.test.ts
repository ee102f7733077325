import { randomInt } from "node:crypto";
import pg from "pg";
import { expect, test } from "vitest";
import { createHydraClient } from "../../src/client/index.ts";
import { SentinelRolloutState } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { findEmbeddedPostgres } from "../../src/postgres/index.ts";
import { createDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { type HydraProcess, startHydraProcess, urlOf } from "./hydra-process.ts";

refuseLeaks();

const KILLS = 20;
const SENTINELS = 500;
/** There are more than a thousand events: every kill falls into the rollout. */
const MOST_EVENTS_BETWEEN_KILLS = 50;
const FAILING = "snt_000123";
const FLEET = ["--sentinels", String(SENTINELS), "--converge", "50-500ms", "--fail", `${FAILING}=image_pull`];

type StartServer = () => HydraProcess;

test("an embedded Postgres, its hydra killed 20 times during one rollout: nothing is lost, nothing is done twice", async () => {
  await using directory = await createTemporaryDirectory();
  const start = () => startHydraProcess(["dev", "--port", "0", "--data-dir", directory.path, ...FLEET]);
  await rolloutUnderKills(start);
  await using server = start();
  await urlOf(server);
  await expectNothingLostOrTwice(await findEmbeddedPostgres(directory.path));
  server.kill("SIGTERM");
  expect(await server.exited).toBe(0);
}, 240_000);

test("a Postgres at DATABASE_URL, hydra killed 20 times during one rollout: nothing is lost, nothing is done twice", async () => {
  await using database = await createDatabase();
  await rolloutUnderKills(() => startHydraProcess(["dev", "--port", "0", ...FLEET], { DATABASE_URL: database.url }));
  await expectNothingLostOrTwice(database.url);
}, 240_000);

async function rolloutUnderKills(start: StartServer): Promise<void> {
  let seen = 0n;
  for (let kill = 0; kill < KILLS; kill++) {
    await using server = start();
    const { rollouts } = createHydraClient({ baseUrl: await urlOf(server) });
    if (kill === 0) void rollouts.rollout({ image: "ghcr.io/acme/sentinel:v1" }).catch(() => {});
    seen = await follow(rollouts, seen, randomInt(MOST_EVENTS_BETWEEN_KILLS));
    server.kill("SIGKILL");
    await server.exited;
  }
  await using server = start();
  await finish(createHydraClient({ baseUrl: await urlOf(server) }).rollouts);
  server.kill("SIGTERM");
  await server.exited;
}

type Rollouts = ReturnType<typeof createHydraClient>["rollouts"];

/** Reads `count` more events, and checks that they go on where the last server's ended. */
async function follow(rollouts: Rollouts, after: bigint, count: number): Promise<bigint> {
  let seen = after;
  let left = count;
  if (left === 0) return seen;
  for await (const { message } of rollouts.watch({ afterSequence: after })) {
    await resumeIfPaused(rollouts);
    if (message.case !== "event") continue;
    expect(message.value.sequence).toBe(seen + 1n);
    seen = message.value.sequence;
    if (--left === 0) break;
  }
  return seen;
}

/** The wave with the sentinel that fails pauses the rollout. */
async function resumeIfPaused(rollouts: Rollouts): Promise<SentinelRolloutState | undefined> {
  const { rollout } = await rollouts.getRollout({});
  if (rollout?.state === SentinelRolloutState.PAUSED) void rollouts.resume({}).catch(() => {});
  return rollout?.state;
}

async function finish(rollouts: Rollouts): Promise<void> {
  await eventually(async () => expect(await resumeIfPaused(rollouts)).toBe(SentinelRolloutState.COMPLETED), {
    timeoutMs: 60_000,
  });
}

async function expectNothingLostOrTwice(databaseUrl: string | undefined): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const count = async (sql: string) => Number((await client.query<{ n: string }>(sql)).rows[0]?.n);
    expect(await count("select count(*) as n from rollouts")).toBe(1);
    expect(await count("select count(*) as n from rollout_targets")).toBe(SENTINELS);
    expect(await count("select count(*) as n from rollout_targets where status = 'ready'")).toBe(SENTINELS - 1);
    expect(await count("select count(*) as n from sentinels where generation = 2 and deploy_number = 1")).toBe(
      SENTINELS,
    );
    expect(await count("select count(*) - max(sequence) as n from rollout_events")).toBe(0);
    for (const types of ["'sentinel_deploying'", "'sentinel_ready', 'sentinel_failed', 'sentinel_skipped'"]) {
      const per = `select sentinel_id, count(*) as events from rollout_events where type in (${types}) group by 1`;
      expect(await count(`select count(*) as n from (${per}) as e where events = 1`)).toBe(SENTINELS);
      expect(await count(`select count(*) as n from (${per}) as e where events > 1`)).toBe(0);
    }
    for (const type of ["wave_started", "wave_completed"]) {
      expect(await count(`select count(*) as n from rollout_events where type = '${type}'`)).toBe(5);
    }
    expect(await count("select count(*) as n from engine.invocations where completed_at is null")).toBe(0);
  } finally {
    await client.end();
  }
}
