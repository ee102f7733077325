import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RolloutTargetStatus, SentinelRolloutState } from "../../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { createDatabase, type TestDatabase } from "../../support/database.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { type DomainServer, startDomainServer } from "../domain-server.ts";

refuseLeaks();

let database: TestDatabase;
let server: DomainServer;

beforeAll(async () => {
  database = await createDatabase();
  server = await startDomainServer(database.url);
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

async function codeOf(call: Promise<unknown>): Promise<Code | undefined> {
  return await call.then(
    () => undefined,
    (error: unknown) => ConnectError.from(error).code,
  );
}

async function addRollout(id: string, state: string): Promise<void> {
  await server.pool.query(
    `insert into rollouts (id, image, wave_percentages, state, driver, notifies, reason, current_wave)
     values ($1, 'acme/sentinel:v2', '{50,100}', $2, 'inv_1', false, 'because', 1)`,
    [id, state],
  );
}

/** Two waves: of 3 and of 7 targets. */
async function addTargets(id: string): Promise<void> {
  await server.pool.query(
    `insert into rollout_waves (rollout_id, wave_index, percentage, first_target, size, in_flight, ready, failed, skipped,
                                reverted, started_at)
     values ($1, 0, 50, 0, 3, 0, 1, 1, 1, 0, now()), ($1, 1, 100, 3, 7, 2, 3, 0, 0, 1, null)`,
    [id],
  );
  await server.pool.query(
    `insert into rollout_targets (rollout_id, target, sentinel_id, status, previous_image, reason, started_at)
     select $1, i, 'snt-' || i, case i when 1 then 'failed' when 2 then 'skipped' else 'ready' end, 'acme/sentinel:v1',
            case i when 1 then 'crashed' else '' end, now()
       from generate_series(0, 9) as i`,
    [id],
  );
}

test("there never was a rollout: state IDLE with an empty id, empty lists", async () => {
  const { rollout } = await server.rollouts.getRollout({});
  expect(rollout).toMatchObject({ id: "", state: SentinelRolloutState.IDLE, waves: [] });
  expect(rollout?.currentWave).toBeUndefined();
  expect(await server.rollouts.listRollouts({})).toMatchObject({ rollouts: [], nextPageToken: "" });
  expect(await server.rollouts.listRolloutTargets({})).toMatchObject({ targets: [], nextPageToken: "" });
});

test("several rollouts: the latest without an id, any by its id, NOT_FOUND for others", async () => {
  await addRollout("rol_1", "completed");
  await addTargets("rol_1");
  await addRollout("rol_2", "cancelled");
  await addRollout("rol_3", "paused");
  expect((await server.rollouts.getRollout({})).rollout).toMatchObject({
    id: "rol_3",
    state: SentinelRolloutState.PAUSED,
  });
  const { rollout } = await server.rollouts.getRollout({ rolloutId: "rol_1" });
  expect(rollout).toMatchObject({
    id: "rol_1",
    image: "acme/sentinel:v2",
    state: SentinelRolloutState.COMPLETED,
    reason: "because",
    total: 10,
    ready: 4,
    failed: 1,
    skipped: 1,
    reverted: 1,
    inFlight: 2,
    currentWave: 1,
    wavePercentages: [50, 100],
  });
  expect(rollout?.waves).toMatchObject([
    { index: 0, percentage: 50, size: 3, ready: 1, failed: 1, skipped: 1 },
    { index: 1, percentage: 100, size: 7, ready: 3 },
  ]);
  expect(rollout?.waves[0]?.startedAt).toBeDefined();
  expect(rollout?.waves[1]?.startedAt).toBeUndefined();
  expect(await codeOf(server.rollouts.getRollout({ rolloutId: "rol_none" }))).toBe(Code.NotFound);
});

test("rollouts in pages: the latest first, each once", async () => {
  const first = await server.rollouts.listRollouts({ pageSize: 2 });
  expect(first.rollouts.map(({ id }) => id)).toEqual(["rol_3", "rol_2"]);
  const second = await server.rollouts.listRollouts({ pageSize: 2, pageToken: first.nextPageToken });
  expect(second).toMatchObject({ rollouts: [{ id: "rol_1" }], nextPageToken: "" });
});

test("targets in pages: in order, with the wave that each is in", async () => {
  const targets = [];
  for (let pageToken = "", page = 0; page === 0 || pageToken !== ""; page++) {
    const answer = await server.rollouts.listRolloutTargets({ rolloutId: "rol_1", pageSize: 4, pageToken });
    targets.push(...answer.targets);
    pageToken = answer.nextPageToken;
  }
  expect(targets.map(({ sentinelId }) => sentinelId)).toEqual(Array.from({ length: 10 }, (_, i) => `snt-${i}`));
  expect(targets.map(({ waveIndex }) => waveIndex)).toEqual([0, 0, 0, 1, 1, 1, 1, 1, 1, 1]);
  expect(targets[1]).toMatchObject({
    status: RolloutTargetStatus.FAILED,
    reason: "crashed",
    previousImage: "acme/sentinel:v1",
  });
});

test("targets of one wave, or in some states: only those", async () => {
  const ask = async (filter: { waveIndex?: number; statuses?: RolloutTargetStatus[] }) =>
    (await server.rollouts.listRolloutTargets({ rolloutId: "rol_1", ...filter })).targets.map((t) => t.sentinelId);
  expect(await ask({ waveIndex: 0 })).toEqual(["snt-0", "snt-1", "snt-2"]);
  expect(await ask({ waveIndex: 7 })).toEqual([]);
  expect(await ask({ statuses: [RolloutTargetStatus.FAILED, RolloutTargetStatus.SKIPPED] })).toEqual([
    "snt-1",
    "snt-2",
  ]);
  expect(await ask({ waveIndex: 0, statuses: [RolloutTargetStatus.READY] })).toEqual(["snt-0"]);
});

test("pages of the latest rollout's targets: they stay with it when another one starts", async () => {
  await addTargets("rol_3");
  const first = await server.rollouts.listRolloutTargets({ pageSize: 6 });
  await server.pool.query("update rollouts set state = 'cancelled' where id = 'rol_3'");
  await addRollout("rol_4", "in_progress");
  const second = await server.rollouts.listRolloutTargets({ pageSize: 6, pageToken: first.nextPageToken });
  expect(second.targets.map(({ sentinelId }) => sentinelId)).toEqual(["snt-6", "snt-7", "snt-8", "snt-9"]);
  const mixed = server.rollouts.listRolloutTargets({ rolloutId: "rol_1", pageToken: first.nextPageToken });
  expect(await codeOf(mixed)).toBe(Code.InvalidArgument);
});

test("targets of an unknown rollout: NOT_FOUND", async () => {
  expect(await codeOf(server.rollouts.listRolloutTargets({ rolloutId: "rol_none" }))).toBe(Code.NotFound);
});
