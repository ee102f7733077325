import { expect, test } from "vitest";
import { failingOn, silentOn } from "../../rollout/test-agent.ts";
import { NEW, OLD, type World } from "../../rollout/world.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { ERROR, named, spansOfRollout, trace } from "./tracing.ts";

// The spans of every way that a rollout can go.

refuseLeaks();

test("60 sentinels in 5 waves: one trace, a span a wave and a deploy, each within its parent", async () => {
  await using tracing = await trace({ sentinels: 60 });
  const { world, collector } = tracing;
  await (
    await world.rollout()
  ).answer;
  const { id } = await world.latest();
  const spans = await spansOfRollout(collector, id);

  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(1 + 5 + 60);
  const [root] = named(spans, "rollout");
  expect(root).toMatchObject({
    parentSpanId: "",
    kind: 2,
    status: { code: 0, message: "" },
    attributes: {
      "deployment.id": id,
      "deployment.status": "succeeded",
      "hydra.image": NEW,
      "hydra.rollout.state": "completed",
      "hydra.rollout.total": 60,
      "hydra.ready": 60,
      "hydra.failed": 0,
    },
    resource: { "service.name": "hydra", "service.version": "1.2.3-test" },
  });
  const waves = named(spans, "wave");
  expect(waves.map(({ attributes }) => [attributes["hydra.wave.index"], attributes["hydra.wave.size"]])).toEqual([
    [0, 1],
    [1, 2],
    [2, 12],
    [3, 15],
    [4, 30],
  ]);
  for (const wave of waves) {
    expect(wave.parentSpanId).toBe(root?.spanId);
    const deploys = named(spans, "deploy").filter(({ parentSpanId }) => parentSpanId === wave.spanId);
    expect(deploys).toHaveLength(Number(wave.attributes["hydra.wave.size"]));
    for (const deploy of deploys) {
      expect(deploy.startUs).toBeGreaterThanOrEqual(wave.startUs);
      expect(deploy.endUs).toBeGreaterThan(deploy.startUs);
      expect(deploy.endUs).toBeLessThanOrEqual(wave.endUs);
    }
  }
  expect(named(spans, "deploy").find(({ attributes }) => attributes["hydra.sentinel.id"] === "snt_07")).toMatchObject({
    attributes: {
      "hydra.image": NEW,
      "hydra.previous_image": OLD,
      "hydra.outcome": "ready",
      "hydra.region.id": "test",
      "k8s.namespace.name": "default",
      "k8s.deployment.name": "snt-07",
    },
  });
  await expectTimesOfTables(world, spans);
});

async function expectTimesOfTables(world: World, spans: Awaited<ReturnType<typeof spansOfRollout>>): Promise<void> {
  const us = (column: string) => `(extract(epoch from ${column}) * 1000000)::bigint::float8`;
  const targets = await world.rows<{ id: string; started: number; ended: number }>(
    `select sentinel_id as id, ${us("started_at")} as started, ${us("ended_at")} as ended from rollout_targets order by 1`,
  );
  const deploys = named(spans, "deploy").map(({ attributes, startUs, endUs }) => ({
    id: attributes["hydra.sentinel.id"],
    started: startUs,
    ended: endUs,
  }));
  expect(deploys.toSorted((a, b) => String(a.id).localeCompare(String(b.id)))).toEqual(targets);
  const [rollout] = await world.rows(`select ${us("created_at")} as started, ${us("ended_at")} as ended from rollouts`);
  const [root] = named(spans, "rollout");
  expect({ started: root?.startUs, ended: root?.endUs }).toEqual(rollout);
}

test("a sentinel that fails, then Resume: its deploy and its wave are errors, the pause has a span, the rollout is none", async () => {
  await using tracing = await trace({ sentinels: 4 });
  const { world, collector } = tracing;
  world.agent.behaviour = failingOn(NEW, "snt_02");
  await (
    await world.rollout({ wavePercentages: [50, 100] })
  ).answer;
  await (
    await world.resume()
  ).answer;
  const spans = await spansOfRollout(collector, (await world.latest()).id);

  const failed = named(spans, "deploy").filter(({ status }) => status.code === ERROR);
  expect(failed).toHaveLength(1);
  expect(failed[0]).toMatchObject({
    status: { code: ERROR, message: "back-off restarting" },
    attributes: { "hydra.sentinel.id": "snt_02", "error.type": "crash_loop", "hydra.outcome": "failed" },
  });
  expect(named(spans, "wave").map(({ status }) => status.message)).toEqual(["1 of 2 sentinels failed", ""]);
  const [pause] = named(spans, "pause");
  const [first, second] = named(spans, "wave");
  expect(pause?.startUs).toBe(first?.endUs);
  expect(pause?.endUs).toBeLessThanOrEqual(second?.startUs ?? 0);
  expect(pause?.attributes["hydra.reason"]).toBe("1 of 2 sentinels of the wave failed");
  expect(named(spans, "rollout")[0]).toMatchObject({
    status: { code: 0 },
    attributes: { "hydra.ready": 3, "hydra.failed": 1 },
  });
});

test("Cancel in the middle of a wave: the wave was left, the rollout is an error, the deploy in flight gets its span once it ends", async () => {
  await using tracing = await trace({ sentinels: 2, deployTimeoutMs: 60_000 });
  const { world, collector } = tracing;
  world.agent.behaviour = silentOn(NEW, "snt_02");
  await world.rollout({ wavePercentages: [100] });
  await world.inFlight("snt_02");
  await (
    await world.cancel()
  ).answer;
  const { id } = await world.latest();
  const spans = await spansOfRollout(collector, id);
  const [root] = named(spans, "rollout");
  const [wave] = named(spans, "wave");
  expect(root).toMatchObject({
    status: { code: ERROR, message: "cancelled" },
    attributes: { "hydra.rollout.state": "cancelled", "deployment.status": "failed" },
  });
  expect(wave).toMatchObject({ endUs: root?.endUs, attributes: { "hydra.outcome": "left" } });

  world.agent.behaviour = failingOn(NEW);
  await world.agent.report(await world.deploying("snt_02"), { runningImage: NEW });
  await eventually(() => {
    const late = named(collector.distinct(), "deploy").find(
      ({ attributes }) => attributes["hydra.sentinel.id"] === "snt_02",
    );
    expect(late).toMatchObject({ parentSpanId: wave?.spanId, traceId: root?.traceId });
    expect(late?.endUs).toBeGreaterThan(root?.endUs ?? Infinity);
  });
});

test("RollbackAll of a paused rollout, tried again for one that failed to revert: a span a rollback and a revert", async () => {
  await using tracing = await trace({ sentinels: 3 });
  const { world, collector } = tracing;
  world.agent.behaviour = failingOn(NEW, "snt_03");
  await (
    await world.rollout({ wavePercentages: [100] })
  ).answer;
  world.agent.behaviour = failingOn(OLD, "snt_02");
  expect(await (await world.rollbackAll()).answer).toMatchObject({ reverted: 1 });
  const { id } = await world.latest();
  const spans = await spansOfRollout(collector, id);
  const [root] = named(spans, "rollout");
  const [rollback] = named(spans, "rollback");
  expect(root).toMatchObject({ status: { code: ERROR, message: "rolled back" }, attributes: { "hydra.reverted": 1 } });
  expect(rollback).toMatchObject({ parentSpanId: root?.spanId, attributes: { "hydra.reverted": 1 } });
  const reverts = named(spans, "revert");
  expect(reverts.map(({ parentSpanId }) => parentSpanId)).toEqual([rollback?.spanId, rollback?.spanId]);
  expect(reverts.find(({ attributes }) => attributes["hydra.sentinel.id"] === "snt_02")).toMatchObject({
    status: { code: ERROR, message: "back-off restarting" },
    attributes: { "hydra.image": OLD, "hydra.outcome": "revert_failed", "error.type": "crash_loop" },
  });
  for (const revert of reverts) {
    expect(revert.startUs).toBeGreaterThan(rollback?.startUs ?? Infinity);
    expect(revert.endUs).toBeGreaterThan(revert.startUs);
  }

  world.agent.behaviour = failingOn(NEW);
  expect(await (await world.rollbackAll()).answer).toMatchObject({ reverted: 1 });
  await eventually(() => expect(named(collector.distinct(), "rollback")).toHaveLength(2));
  const again = collector.distinct();
  expect(named(again, "rollout")).toEqual([root]);
  const [, second] = named(again, "rollback");
  const retried = named(again, "revert").find(({ parentSpanId }) => parentSpanId === second?.spanId);
  expect(retried?.startUs).toBeGreaterThan(second?.startUs ?? Infinity);
  expect(named(again, "revert")).toHaveLength(3);
});

test("a revert that is refused by what happened since: a span without length, though an earlier one had begun", async () => {
  await using tracing = await trace({ sentinels: 2 });
  const { world, collector } = tracing;
  await (
    await world.rollout({ wavePercentages: [50, 100] })
  ).answer;
  await world.pool.query("update rollouts set state = 'cancelled'");
  world.agent.behaviour = failingOn(OLD, "snt_02");
  await (
    await world.rollbackAll()
  ).answer;
  await world.pool.query("update sentinels set image = 'registry.test/sentinel:edited' where id = 'snt_02'");
  await (
    await world.rollbackAll()
  ).answer;
  await eventually(() => expect(named(collector.distinct(), "rollback")).toHaveLength(2));
  const [first, second] = named(collector.distinct(), "revert").filter(
    ({ attributes }) => attributes["hydra.sentinel.id"] === "snt_02",
  );
  expect(first?.endUs).toBeGreaterThan(first?.startUs ?? Infinity);
  expect(second?.endUs).toBe(second?.startUs);
  expect(second?.status.message).toContain("its image was changed since");
});

test("a failed sentinel that comes up later: a recovery beside its deploy", async () => {
  await using tracing = await trace({ sentinels: 1 });
  const { world, collector } = tracing;
  world.agent.behaviour = failingOn(NEW, "snt_01");
  await (
    await world.rollout({ wavePercentages: [100] })
  ).answer;
  await world.agent.report(await world.deploying("snt_01"), { runningImage: NEW });
  await (
    await world.resume()
  ).answer;
  const spans = await spansOfRollout(collector, (await world.latest()).id);
  const [deploy] = named(spans, "deploy");
  const [recovery] = named(spans, "recovery");
  expect(deploy?.status.code).toBe(ERROR);
  expect(recovery).toMatchObject({ parentSpanId: deploy?.spanId, status: { code: 0 } });
  expect(recovery?.startUs).toBe(recovery?.endUs);
});

test("what cannot be deployed: a span without length that says why", async () => {
  await using tracing = await trace({ sentinels: 2 });
  const { world, collector } = tracing;
  world.agent.behaviour = silentOn(NEW, "snt_01");
  await world.rollout({ wavePercentages: [50, 100] });
  await world.inFlight("snt_01");
  await world.pool.query("delete from sentinels where id = 'snt_02'");
  await world.agent.report(await world.deploying("snt_01"), { runningImage: NEW });
  await world.inState("completed");
  const spans = await spansOfRollout(collector, (await world.latest()).id);
  const skipped = named(spans, "deploy").find(({ attributes }) => attributes["hydra.sentinel.id"] === "snt_02");
  expect(skipped).toMatchObject({ status: { code: 0 }, attributes: { "hydra.outcome": "skipped" } });
  expect(skipped?.attributes["hydra.reason"]).toMatch(/snt_02|deleted|no longer/);
  expect(skipped?.startUs).toBe(skipped?.endUs);
});
