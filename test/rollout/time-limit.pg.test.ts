import { expect, test } from "vitest";
import { SentinelDeployStatus } from "../../src/gen/hydra/v1/sentinel_pb.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { type Behaviour, converges, silent } from "./test-agent.ts";
import { NEW, World } from "./world.ts";

refuseLeaks();

// What is said of a deploy whose time is up.

const REGION = "insert into regions (region_id, cluster_uid, last_seen_at) values ('test', 'uid', $1)";
const WAITS = "1 of 2 pods updated; pod a: pulling the image";

/** The new image does not come up, and the agent tells what is missing. */
const waits: Behaviour = ({ image }) =>
  image === NEW ? { health: "unhealthy", reason: WAITS } : { runningImage: image };

async function failedDeploy(world: World): Promise<string> {
  const { status, reason } = await (await world.deploy("snt_01", { image: NEW })).answer;
  expect(status).toBe(SentinelDeployStatus.FAILED);
  expect(await world.sentinel("snt_01")).toMatchObject({
    deploy_status: "failed",
    deploy_reason: reason,
    deploy_reason_class: "timeout",
    deploy_progress: "",
  });
  return reason;
}

test("an agent that told what is missing: the reason says it", async () => {
  await using world = await World.create({ sentinels: 1, deployTimeoutMs: 2_000 });
  await world.rows(REGION, [new Date()]);
  world.agent.behaviour = waits;
  expect(await failedDeploy(world)).toBe(`not ready within 2s: ${WAITS}`);
});

test("an agent that is there and told nothing: the reason is the time alone", async () => {
  await using world = await World.create({ sentinels: 1, deployTimeoutMs: 50 });
  await world.rows(REGION, [new Date()]);
  world.agent.behaviour = silent;
  expect(await failedDeploy(world)).toBe("not ready within 50ms");
});

test("no agent for more than a minute: the reason names the region and when one was seen last", async () => {
  await using world = await World.create({ sentinels: 1, deployTimeoutMs: 50 });
  await world.rows(REGION, [new Date("2026-01-02T03:04:05Z")]);
  world.agent.behaviour = silent;
  const noAgent = "no agent connected for region test, last seen 2026-01-02 03:04:05 UTC";
  expect(await failedDeploy(world)).toBe(`not ready within 50ms: ${noAgent}`);
});

test("no agent any more, which had told what is missing: the reason says both", async () => {
  await using world = await World.create({ sentinels: 1, deployTimeoutMs: 2_000 });
  world.agent.behaviour = waits;
  const noAgent = "no agent connected for region test, never seen";
  expect(await failedDeploy(world)).toBe(`not ready within 2s: ${noAgent}; before that: ${WAITS}`);
});

test("targets of a rollout and of its rollback: target and event have the same words", async () => {
  await using world = await World.create({ sentinels: 1, deployTimeoutMs: 2_000 });
  await world.rows(REGION, [new Date()]);
  world.agent.behaviour = waits;
  await (
    await world.rollout()
  ).answer;
  const reason = `not ready within 2s: ${WAITS}`;
  expect(await world.target("snt_01")).toMatchObject({ status: "failed", reason });
  expect(await world.rows("select reason, reason_class from rollout_events where type = 'sentinel_failed'")).toEqual([
    { reason, reason_class: "timeout" },
  ]);

  world.agent.behaviour = converges;
  await world.agent.report(await world.deploying("snt_01"), { runningImage: NEW });
  world.agent.behaviour = () => ({ health: "unhealthy", reason: "the old one does not come up" });
  await (
    await world.rollbackAll()
  ).answer;
  expect(await world.target("snt_01")).toMatchObject({
    status: "ready",
    reason: "not ready within 2s: the old one does not come up",
  });
});

test("what a deploy waits for: shown while it runs, gone once it is ready or superseded", async () => {
  await using world = await World.create({ sentinels: 2 });
  world.agent.behaviour = silent;
  for (const id of ["snt_01", "snt_02"]) await world.deploy(id, { image: NEW });
  await world.inFlight("snt_01", "snt_02");
  const progress = async () =>
    (await world.rows("select deploy_progress from sentinels order by id")).map(Object.values).flat();
  for (const id of ["snt_01", "snt_02"]) {
    await world.agent.report(await world.deploying(id), { health: "unhealthy", reason: WAITS });
    // Of the deploy before this one; it says nothing about what this one waits for.
    const before = { ...(await world.deploying(id)), deployNumber: 0 };
    await world.agent.report(before, { reason: "of yore", deploymentUid: "another" });
  }
  expect(await progress()).toEqual([WAITS, WAITS]);
  await world.agent.report(await world.deploying("snt_01"), { runningImage: NEW });
  await world.deploy("snt_02", { image: NEW });
  world.agent.behaviour = converges;
  world.agent.look();
  await eventually(async () => expect(await progress()).toEqual(["", ""]));
});
