import { expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { startMeasuredServer } from "./measured-server.ts";
import type { Scraped } from "./scraped.ts";

refuseLeaks();

const IMAGE = "registry.test/sentinel:2";

const outcomes = (scraped: Scraped) => scraped.by("hydra_rollout_targets");
const deploys = (scraped: Scraped) => scraped.by("hydra_deploys_ended_total");
const NO_DEPLOYS = {
  "rollout ready": 0,
  "rollout failed": 0,
  "rollout skipped": 0,
  "rollback ready": 0,
  "rollback failed": 0,
  "rollback skipped": 0,
  "operator ready": 0,
  "operator failed": 0,
  "operator skipped": 0,
};

test("a server at its start: every label value is there as 0", async () => {
  await using hydra = await startMeasuredServer();
  const scraped = await hydra.scrape();
  expect(deploys(scraped)).toEqual(NO_DEPLOYS);
  expect(outcomes(scraped)).toEqual({ ready: 0, failed: 0, skipped: 0, reverted: 0, none: 0 });
  expect(scraped.by("hydra_rollouts")).toEqual({
    in_progress: 0,
    paused: 0,
    rolling_back: 0,
    cancelled: 0,
    completed: 0,
  });
  expect(scraped.by("hydra_notification_tries_total")).toEqual({ sent: 0, retry: 0, dropped: 0 });
  expect(scraped.value("hydra_wave_duration_seconds_count")).toBe(0);
  expect(scraped.by("hydra_build_info")).toEqual({ "1.2.3-test": 1 });
  expect(scraped.value("hydra_database_up")).toBe(1);
  expect(scraped.value("process_start_time_seconds")).toBeGreaterThan(0);
});

test("a rollout of 60 of which one fails, its rollback, and one deploy: counted as they happened", async () => {
  await using hydra = await startMeasuredServer({ sentinels: 60, failing: ["snt_42"] });
  await hydra.client.rollouts.rollout({ image: IMAGE });
  const paused = await hydra.scrape();
  expect(paused.by("hydra_rollouts")).toMatchObject({ paused: 1, in_progress: 0, completed: 0 });
  expect(outcomes(paused)).toEqual({ ready: 59, failed: 1, skipped: 0, reverted: 0, none: 0 });
  expect(deploys(paused)).toEqual({ ...NO_DEPLOYS, "rollout ready": 59, "rollout failed": 1 });
  expect(paused.value("hydra_wave_duration_seconds_count")).toBe(5);
  expect(paused.value('hydra_deploy_duration_seconds_count{outcome="ready"}')).toBe(59);
  expect(paused.value('hydra_deploy_duration_seconds_count{outcome="failed"}')).toBe(1);
  expect(paused.value("hydra_deploys_in_flight")).toBe(0);
  expect(paused.value("hydra_engine_batch_operations_sum")).toBe(hydra.engine.stats().operations);

  const { reverted } = await hydra.client.rollouts.rollbackAll({});
  await hydra.client.sentinels.deploy({ sentinelId: "snt_07", image: IMAGE });
  expect(reverted).toBe(59);
  const after = await eventually(async () => {
    const scraped = await hydra.scrape();
    expect(scraped.by("hydra_rollouts")).toMatchObject({ cancelled: 1, paused: 0 });
    return scraped;
  });
  expect(outcomes(after)).toEqual({ ready: 0, failed: 1, skipped: 0, reverted: 59, none: 0 });
  expect(deploys(after)).toEqual({
    ...NO_DEPLOYS,
    "rollout ready": 59,
    "rollout failed": 1,
    "rollback ready": 59,
    "operator ready": 1,
  });
});

test("a rollout that is stuck: what is in flight, without an outcome and in the engine shows", async () => {
  await using hydra = await startMeasuredServer({ sentinels: 10, failing: ["snt_01"] });
  // No agent comes for this one: its region has none.
  await hydra.pool.query("update sentinels set region_id = 'elsewhere' where id in ('snt_01', 'snt_02')");
  const rollout = hydra.client.rollouts.rollout({ image: IMAGE, wavePercentages: [20, 100] });
  rollout.catch(() => {});
  await eventually(async () => {
    const scraped = await hydra.scrape();
    expect(scraped.value("hydra_deploys_in_flight")).toBe(2);
    expect(outcomes(scraped)).toMatchObject({ none: 10, ready: 0 });
    expect(scraped.by("hydra_rollouts")).toMatchObject({ in_progress: 1 });
    expect(scraped.by("hydra_engine_invocations")).toMatchObject({ running: 3, parked: 0, ready: 0 });
    expect(scraped.value("hydra_engine_resident_invocations")).toBe(3);
  });
  await hydra.client.rollouts.cancel({});
});

test("a deploy that is killed: counted once, as failed", async () => {
  await using hydra = await startMeasuredServer({ sentinels: 1 });
  await hydra.pool.query("update sentinels set region_id = 'elsewhere'");
  const rollout = hydra.client.rollouts.rollout({ image: IMAGE });
  const [deploy] = await eventually(async () => {
    const found = await hydra.engine.listInvocations({ handler: "DeployTarget", statuses: ["running"], limit: 1 });
    return found.length === 1 && found;
  });
  await eventually(async () => expect((await hydra.scrape()).value("hydra_deploys_in_flight")).toBe(1));
  await hydra.engine.kill(deploy?.invocationId ?? "");
  await rollout;
  const scraped = await hydra.scrape();
  expect(deploys(scraped)).toEqual({ ...NO_DEPLOYS, "rollout failed": 1 });
  expect(scraped.value("hydra_wave_duration_seconds_count")).toBe(1);
});
