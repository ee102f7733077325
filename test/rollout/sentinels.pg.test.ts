import { describe, expect, test } from "vitest";
import { SentinelDeployStatus } from "../../src/gen/hydra/v1/sentinel_pb.ts";
import {
  deleteOldChanges,
  deleteSentinel,
  readDesiredChanges,
  type SentinelSpecRow,
  upsertRefusal,
  upsertSentinels,
} from "../../src/rollout/index.ts";
import { eventually } from "../support/eventually.ts";
import { silent, silentOn } from "./test-agent.ts";
import { NEW, OLD, World } from "./world.ts";

const KEEP: SentinelSpecRow = {
  request: "1",
  sentinelId: "snt_01",
  workspaceId: null,
  projectId: null,
  environmentId: null,
  regionId: null,
  k8sNamespace: null,
  k8sName: null,
  image: null,
  desiredState: null,
  desiredReplicas: null,
  cpuMillicores: null,
  memoryMib: null,
};

const NEW_ONE: SentinelSpecRow = {
  ...KEEP,
  sentinelId: "snt_new",
  regionId: "eu",
  k8sNamespace: "default",
  k8sName: "new",
  image: OLD,
};

async function upsert(world: World, ...rows: SentinelSpecRow[]) {
  return await world.engine.executeMany(upsertSentinels, rows);
}

async function changes(world: World) {
  return await world.rows(
    "select region_id, sentinel_id, deleted, k8s_namespace, k8s_name from desired_changes order by version",
  );
}

describe("upsertSentinels", () => {
  test("a new one: created with the defaults, generation 1, its agent is told", async () => {
    await using world = await World.create({ sentinels: 0 });
    expect(await upsert(world, NEW_ONE)).toEqual([{ outcome: "created", problem: null, awakeable: null }]);
    expect(await world.sentinel("snt_new")).toMatchObject({
      desired_state: "running",
      desired_replicas: 1,
      cpu_millicores: 0,
      workspace_id: "",
      generation: "1",
      deploy_status: "idle",
    });
    expect(await changes(world)).toEqual([
      { region_id: "eu", sentinel_id: "snt_new", deleted: false, k8s_namespace: "", k8s_name: "" },
    ]);
  });

  test.each([
    [{ image: NEW }],
    [{ desiredReplicas: 3 }],
    [{ cpuMillicores: 100 }],
    [{ memoryMib: 64 }],
    [{ desiredState: "standby" }],
  ])("%j: what is desired changes, so the generation grows by one and the agent is told", async (change) => {
    await using world = await World.create({ sentinels: 1 });
    expect(await upsert(world, { ...KEEP, ...change })).toMatchObject([{ outcome: "updated" }]);
    expect(await world.sentinel("snt_01")).toMatchObject({ generation: "2" });
    expect(await changes(world)).toHaveLength(1);
  });

  test("only labels: updated, same generation, the agent is not told", async () => {
    await using world = await World.create({ sentinels: 1 });
    expect(await upsert(world, { ...KEEP, workspaceId: "ws" })).toMatchObject([{ outcome: "updated" }]);
    expect(await world.sentinel("snt_01")).toMatchObject({ generation: "1", workspace_id: "ws" });
    expect(await changes(world)).toEqual([]);
  });

  test("already so: unchanged, nothing written", async () => {
    await using world = await World.create({ sentinels: 1 });
    const before = await world.rows("select xmin, s.* from sentinels as s");
    expect(await upsert(world, { ...KEEP, image: OLD, desiredReplicas: 1 })).toMatchObject([{ outcome: "unchanged" }]);
    expect(await world.rows("select xmin, s.* from sentinels as s")).toEqual(before);
  });

  test("another region: the old one is told that it has left, nothing has been seen yet in the new one", async () => {
    await using world = await World.create({ sentinels: 1 });
    await upsert(world, { ...KEEP, regionId: "eu" });
    expect(await changes(world)).toEqual([
      { region_id: "test", sentinel_id: "snt_01", deleted: true, k8s_namespace: "default", k8s_name: "snt-01" },
      { region_id: "eu", sentinel_id: "snt_01", deleted: false, k8s_namespace: "", k8s_name: "" },
    ]);
    expect(await world.sentinel("snt_01")).toMatchObject({
      health: "unknown",
      running_image: "",
      available_replicas: 0,
      generation: "1",
    });
  });

  test.each([
    ["incomplete", [{ ...NEW_ONE, image: null }], "invalid"],
    ["repeated", [NEW_ONE, { ...NEW_ONE, k8sName: "other" }], "invalid"],
    ["place_taken", [{ ...NEW_ONE, regionId: "test", k8sName: "snt-01" }], "already_exists"],
    ["place_taken", [NEW_ONE, { ...NEW_ONE, sentinelId: "snt_other" }], "already_exists"],
  ] as const)("%s: refused, and none of its request is written", async (problem, bad, kind) => {
    await using world = await World.create({ sentinels: 1 });
    const rows = [{ ...KEEP, image: NEW }, ...bad];
    const results = await upsert(world, ...rows);
    expect(results.map((result) => result?.outcome)).toEqual(rows.map(() => "refused"));
    const at = results.findIndex((result) => result?.problem === problem);
    const row = rows[at];
    const result = results[at];
    expect(row && result && upsertRefusal(row, result)).toMatchObject({ kind });
    expect(await world.sentinel("snt_01")).toMatchObject({ image: OLD, generation: "1" });
    expect(await changes(world)).toEqual([]);
  });

  test("a bad request and a good one in the same moment: the good one is written", async () => {
    await using world = await World.create({ sentinels: 1 });
    const [bad, good] = await Promise.all([
      upsert(world, { ...NEW_ONE, sentinelId: "snt_bad", image: null }),
      upsert(world, { ...NEW_ONE, request: "2" }),
    ]);
    expect(bad).toMatchObject([{ outcome: "refused" }]);
    expect(good).toMatchObject([{ outcome: "created" }]);
  });

  test("two requests for one place in the same moment: one is written, the other one refused", async () => {
    await using world = await World.create({ sentinels: 0 });
    const results = await Promise.all([
      upsert(world, NEW_ONE),
      upsert(world, { ...NEW_ONE, request: "2", sentinelId: "snt_other" }),
    ]);
    expect(new Set(results.flat().map((result) => result?.outcome))).toEqual(new Set(["created", "refused"]));
  });

  test("thousands in one call: one commit, versions without gaps", async () => {
    await using world = await World.create({ sentinels: 0 });
    const rows = Array.from({ length: 3_000 }, (_, i) => ({ ...NEW_ONE, sentinelId: `snt_${i}`, k8sName: `snt-${i}` }));
    const results = await upsert(world, ...rows);
    expect(results.every((result) => result?.outcome === "created")).toBe(true);
    expect(await world.rows("select count(*)::int as n, max(version)::int as last from desired_changes")).toEqual([
      { n: 3_000, last: 3_000 },
    ]);
    expect(await world.rows("select count(distinct xmin::text)::int as commits from sentinels")).toEqual([
      { commits: 1 },
    ]);
  });
});

describe("an edit while a deploy runs", () => {
  test("of what is desired: the deploy ends failed, superseded by the edit", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = silent;
    const { answer } = await world.deploy("snt_01", { image: NEW });
    await world.inFlight("snt_01");
    await upsert(world, { ...KEEP, image: "registry.test/sentinel:3" });
    expect(await answer).toMatchObject({ status: SentinelDeployStatus.FAILED, reason: "superseded by an edit" });
    expect(await world.sentinel("snt_01")).toMatchObject({
      deploy_status: "idle",
      deploy_number: "2",
      generation: "3",
    });
  });

  test("of labels only: the deploy goes on", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = silent;
    const { answer } = await world.deploy("snt_01", { image: NEW });
    await world.inFlight("snt_01");
    await upsert(world, { ...KEEP, workspaceId: "ws" });
    await world.agent.report(await world.deploying("snt_01"), { runningImage: NEW });
    expect(await answer).toMatchObject({ status: SentinelDeployStatus.READY });
  });

  test("of the replicas of a target: it has failed, but takes the image once it comes up", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = silent;
    const { answer } = await world.rollout();
    await world.inFlight("snt_01");
    await upsert(world, { ...KEEP, desiredReplicas: 2 });
    await answer;
    expect(await world.target("snt_01")).toMatchObject({ status: "failed", reason: "superseded by an edit" });
    await world.agent.report(await world.deploying("snt_01"), { runningImage: NEW, availableReplicas: 2 });
    expect(await world.target("snt_01")).toMatchObject({ status: "ready" });
    expect(await world.sentinel("snt_01")).toMatchObject({ deploy_status: "ready" });
  });

  test.each(["standby", "archived"])("to %s: the target is skipped, and the rollout goes on", async (desiredState) => {
    await using world = await World.create({ sentinels: 2 });
    world.agent.behaviour = silentOn(NEW, "snt_01");
    const { answer } = await world.rollout();
    await world.inFlight("snt_01");
    await upsert(world, { ...KEEP, desiredState });
    await answer;
    expect((await world.latest()).state).toBe("completed");
    expect(await world.target("snt_01")).toMatchObject({
      status: "skipped",
      reason: `the sentinel is ${desiredState}`,
    });
  });
});

describe("deleteSentinel", () => {
  test("its agent is told the place; a second time there is none", async () => {
    await using world = await World.create({ sentinels: 1 });
    expect(await world.engine.execute(deleteSentinel, { sentinelId: "snt_01" })).toEqual({ awakeable: null });
    expect(await world.engine.execute(deleteSentinel, { sentinelId: "snt_01" })).toBeNull();
    expect(await changes(world)).toEqual([
      { region_id: "test", sentinel_id: "snt_01", deleted: true, k8s_namespace: "default", k8s_name: "snt-01" },
    ]);
  });

  test("of a target in flight: it is skipped at once, and the rollout goes on", async () => {
    await using world = await World.create({ sentinels: 2 });
    world.agent.behaviour = silentOn(NEW, "snt_01");
    const { answer } = await world.rollout();
    await world.inFlight("snt_01");
    await world.engine.execute(deleteSentinel, { sentinelId: "snt_01" });
    await answer;
    expect((await world.latest()).state).toBe("completed");
    expect(await world.targets()).toEqual({ snt_01: "skipped", snt_02: "ready" });
  });

  test("of one that is being reverted: it did not go back, and the rollback ends", async () => {
    await using world = await World.create({ sentinels: 2 });
    world.agent.behaviour = silentOn(NEW, "snt_02");
    await world.rollout();
    await world.inFlight("snt_02");
    await (
      await world.cancel()
    ).answer;
    world.agent.behaviour = silent;
    const rollback = await world.rollbackAll();
    await eventually(async () => (await world.target("snt_01"))?.reverting === true);
    await world.engine.execute(deleteSentinel, { sentinelId: "snt_01" });
    await world.engine.execute(deleteSentinel, { sentinelId: "snt_02" });
    expect(await rollback.answer).toMatchObject({ reverted: 0 });
    expect(await world.target("snt_01")).toMatchObject({
      status: "ready",
      reverting: false,
      reason: "the sentinel was deleted",
    });
  });
});

describe("deleteOldChanges", () => {
  test("changes that no agent needs any more: deleted, and a cursor before them is told to sync in full", async () => {
    await using world = await World.create({ sentinels: 0 });
    for (let i = 0; i < 3; i++) await upsert(world, { ...NEW_ONE, sentinelId: `snt_${i}`, k8sName: `new-${i}` });
    expect(await deleteOldChanges(world.engine, 60_000)).toBe(0);
    await world.rows("update desired_changes set created_at = now() - interval '1 hour' where version < 3 returning 1");
    expect(await deleteOldChanges(world.engine, 60_000)).toBe(2);
    expect(await world.rows("select sentinel_id from desired_changes")).toEqual([{ sentinel_id: "snt_2" }]);
    const read = (after: bigint) => readDesiredChanges(world.pool, { regionIds: ["eu"], after, limit: 10 });
    expect(await read(1n)).toMatchObject({ stale: true });
    expect(await read(2n)).toMatchObject({ stale: false, cursor: 3n });
  });
});
