import { describe, expect, test } from "vitest";
import { recordReport } from "../../src/rollout/index.ts";
import { eventually } from "../support/eventually.ts";
import { failingOn, silent, silentOn } from "./test-agent.ts";
import { NEW, OLD, World } from "./world.ts";

describe("recordReport", () => {
  test("for another deploy than the one in force: is noted, but neither makes ready nor fails", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = silent;
    await world.deploy("snt_01", { image: NEW });
    await world.inFlight("snt_01");
    const before = { ...(await world.deploying("snt_01")), deployNumber: 0 };
    expect(await world.agent.report(before, { runningImage: NEW })).toEqual({ recorded: true, awakeable: null });
    await world.agent.report(before, { health: "unhealthy", failureClass: "crash_loop" });
    expect(await world.sentinel("snt_01")).toMatchObject({
      deploy_status: "progressing",
      health: "unhealthy",
      running_image: "",
    });
  });

  test.each([[{ health: "unhealthy" }], [{ runningImage: OLD }], [{ availableReplicas: 1 }]])(
    "for the deploy in force, but %j: is not ready",
    async (part) => {
      await using world = await World.create({ sentinels: 1 });
      world.agent.behaviour = silent;
      await world.deploy("snt_01", { image: NEW, desiredReplicas: 2 });
      await world.inFlight("snt_01");
      await world.agent.report(await world.deploying("snt_01"), { runningImage: NEW, availableReplicas: 2, ...part });
      expect(await world.sentinel("snt_01")).toMatchObject({ deploy_status: "progressing" });
    },
  );

  test("older than what is known of the same Deployment: ignored; of another Deployment: taken", async () => {
    await using world = await World.create({ sentinels: 1 });
    const seen = await world.deploying("snt_01");
    expect(await world.agent.report(seen, { reportOrder: 7, availableReplicas: 3 })).toMatchObject({ recorded: true });
    expect(await world.agent.report(seen, { reportOrder: 7, availableReplicas: 4 })).toMatchObject({ recorded: false });
    expect(await world.agent.report(seen, { reportOrder: 6, availableReplicas: 5 })).toMatchObject({ recorded: false });
    expect(await world.sentinel("snt_01")).toMatchObject({ available_replicas: 3, report_order: "7" });
    expect(
      await world.agent.report(seen, { reportOrder: 1, availableReplicas: 6, deploymentUid: "another" }),
    ).toMatchObject({ recorded: true });
    expect(await world.sentinel("snt_01")).toMatchObject({ available_replicas: 6, deployment_uid: "another" });
  });

  test("for a newer deploy, on the same Deployment: taken whatever its order; one for the older deploy is late then", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = silent;
    await world.agent.report(await world.deploying("snt_01"), { reportOrder: 50, runningImage: OLD });
    await world.deploy("snt_01", { image: NEW });
    await world.inFlight("snt_01");
    const seen = await world.deploying("snt_01");
    await world.agent.report(seen, { reportOrder: 3, health: "unhealthy", runningImage: OLD });
    expect(await world.sentinel("snt_01")).toMatchObject({ health: "unhealthy", report_order: "3" });
    const late = { ...seen, deployNumber: seen.deployNumber - 1 };
    expect(await world.agent.report(late, { reportOrder: 60, runningImage: OLD })).toMatchObject({ recorded: false });
    await world.agent.report(seen, { reportOrder: 4, runningImage: NEW });
    expect(await world.sentinel("snt_01")).toMatchObject({ deploy_status: "ready", observed_deploy_number: "1" });
  });

  test("for a deploy that there has not been yet, told before the database was restored: ignored, and what follows counts", async () => {
    await using world = await World.create({ sentinels: 1 });
    const seen = await world.deploying("snt_01");
    const before = { ...seen, deployNumber: seen.deployNumber + 3 };
    expect(await world.agent.report(before, { reportOrder: 50, runningImage: NEW })).toMatchObject({ recorded: false });
    expect(await world.agent.report(seen, { reportOrder: 7, runningImage: OLD })).toMatchObject({ recorded: true });
    expect(await world.sentinel("snt_01")).toMatchObject({ running_image: OLD, observed_deploy_number: "0" });
  });

  test("what somebody else has changed, and whose fields were taken over: kept until another report says otherwise", async () => {
    await using world = await World.create({ sentinels: 1 });
    const seen = await world.deploying("snt_01");
    await world.agent.report(seen, {
      runningImage: OLD,
      drift: "image is x, not y",
      takenFrom: "image from kubectl-edit",
    });
    expect(await world.sentinel("snt_01")).toMatchObject({
      drift: "image is x, not y",
      taken_from: "image from kubectl-edit",
    });
    await world.agent.report(seen, { runningImage: OLD });
    expect(await world.sentinel("snt_01")).toMatchObject({ drift: "", taken_from: "" });
  });

  test("while a deploy runs a report that changes nothing counts for the order: a late one does not fail it", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = silent;
    await world.deploy("snt_01", { image: NEW });
    await world.inFlight("snt_01");
    const seen = await world.deploying("snt_01");
    await world.agent.report(seen, { reportOrder: 5, runningImage: OLD });
    await world.agent.report(seen, { reportOrder: 7, runningImage: OLD });
    await world.agent.report(seen, { reportOrder: 6, failureClass: "crash_loop" });
    expect(await world.sentinel("snt_01")).toMatchObject({ deploy_status: "progressing" });
  });

  test("nothing new: nothing is written", async () => {
    await using world = await World.create({ sentinels: 1 });
    const seen = await world.deploying("snt_01");
    await world.agent.report(seen, { runningImage: OLD });
    const before = await world.rows("select xmin, s.* from sentinels as s");
    await world.agent.report(seen, { runningImage: OLD });
    expect(await world.rows("select xmin, s.* from sentinels as s")).toEqual(before);
  });

  test("the observed generation never goes back", async () => {
    await using world = await World.create({ sentinels: 1 });
    const seen = await world.deploying("snt_01");
    await world.agent.report(seen, { observedGeneration: 5 });
    await world.agent.report(seen, { observedGeneration: 4, availableReplicas: 2 });
    expect(await world.sentinel("snt_01")).toMatchObject({ observed_generation: "5", available_replicas: 2 });
  });

  test("an unknown sentinel, or one of another region: no result", async () => {
    await using world = await World.create({ sentinels: 1 });
    const seen = await world.deploying("snt_01");
    expect(await world.agent.report({ ...seen, id: "snt_99" })).toBeNull();
    expect(await world.agent.report(seen, { regionId: "elsewhere" })).toBeNull();
  });

  test("several on one sentinel in one call: each in its turn, the last one counts", async () => {
    await using world = await World.create({ sentinels: 1 });
    const row = {
      sentinelId: "snt_01",
      regionId: "test",
      deployNumber: 0,
      observedGeneration: 1,
      deploymentUid: "uid",
      reportOrder: 1,
      health: "healthy",
      runningImage: OLD,
      availableReplicas: 1,
      failureClass: "",
      reason: "",
      drift: "",
      takenFrom: "",
    };
    const reports = [1, 2, 3].map((reportOrder) => ({ ...row, reportOrder, availableReplicas: reportOrder }));
    await Promise.all(reports.map((report) => world.engine.execute(recordReport, report)));
    expect(await world.sentinel("snt_01")).toMatchObject({ available_replicas: 3, report_order: "3" });
  });
});

describe("a sentinel that failed and converges later by itself", () => {
  test("while the rollout is paused: has recovered, its target took the image, and RollbackAll reverts it", async () => {
    await using world = await World.create({ sentinels: 2 });
    world.agent.behaviour = failingOn(NEW, "snt_01");
    await (
      await world.rollout({ wavePercentages: [50, 100] })
    ).answer;
    await world.agent.report(await world.deploying("snt_01"), { runningImage: NEW });
    expect(await world.sentinel("snt_01")).toMatchObject({
      deploy_status: "ready",
      deploy_reason: "",
      deploy_reason_class: "",
    });
    expect(await world.target("snt_01")).toMatchObject({ status: "ready", reason: "" });
    const [event] = await world.rows(
      "select type, state, wave_index, wave_size, wave_ready, wave_failed from rollout_events order by sequence desc limit 1",
    );
    expect(event).toEqual({
      type: "sentinel_recovered",
      state: "paused",
      wave_index: 0,
      wave_size: 1,
      wave_ready: 1,
      wave_failed: 0,
    });
    expect(await (await world.rollbackAll()).answer).toMatchObject({ reverted: 1 });
  });

  test("while its wave still runs: the wave has no failure, and the rollout goes on", async () => {
    await using world = await World.create({ sentinels: 3 });
    world.agent.behaviour = (deploying) =>
      deploying.id === "snt_01"
        ? { failureClass: "crash_loop", health: "unhealthy" }
        : silentOn(NEW, "snt_02")(deploying);
    const { answer } = await world.rollout({ wavePercentages: [60, 100] });
    await eventually(async () => (await world.target("snt_01"))?.status === "failed");
    await world.agent.report(await world.deploying("snt_01"), { runningImage: NEW });
    await world.agent.report(await world.deploying("snt_02"), { runningImage: NEW });
    await answer;
    expect((await world.latest()).state).toBe("completed");
    expect(await world.targets()).toEqual({ snt_01: "ready", snt_02: "ready", snt_03: "ready" });
  });

  test("after somebody gave it another image: recovers as a sentinel, but the target stays failed", async () => {
    await using world = await World.create({ sentinels: 2 });
    world.agent.behaviour = failingOn(NEW, "snt_01");
    await (
      await world.rollout({ wavePercentages: [50, 100] })
    ).answer;
    const other = "registry.test/sentinel:3";
    world.agent.behaviour = failingOn(other, "snt_01");
    await (
      await world.deploy("snt_01", { image: other })
    ).answer;
    await world.agent.report(await world.deploying("snt_01"), { runningImage: other });
    expect(await world.sentinel("snt_01")).toMatchObject({ deploy_status: "ready" });
    expect(await world.target("snt_01")).toMatchObject({ status: "failed" });
  });

  test("before its handler has recorded the failure: the target is ready, with one outcome event", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = silent;
    const { answer } = await world.rollout();
    await world.inFlight("snt_01");
    const seen = await world.deploying("snt_01");
    await Promise.all([
      world.agent.report(seen, { failureClass: "crash_loop", health: "unhealthy" }),
      world.agent.report(seen, { runningImage: NEW }),
    ]);
    await answer;
    expect(await world.target("snt_01")).toMatchObject({ status: "ready" });
    const outcomes = (await world.events()).filter((event) => /sentinel_(ready|recovered)/.test(event));
    expect(outcomes).toHaveLength(1);
  });
});

describe("a report and the time limit at the same moment", () => {
  test("whoever commits first decides; sentinel, target and events agree", async () => {
    await using world = await World.create({ sentinels: 10, deployTimeoutMs: 60 });
    world.agent.behaviour = silent;
    const { answer } = await world.rollout({ wavePercentages: [100] });
    const ids = Array.from({ length: 10 }, (_, i) => `snt_${String(i + 1).padStart(2, "0")}`);
    await world.inFlight(...ids);
    const [{ started_at: startedAt } = { started_at: new Date() }] = await world.rows<{ started_at: Date }>(
      "select min(started_at) as started_at from rollout_targets",
    );
    await eventually(() => Date.now() - startedAt.getTime() >= 55);
    await Promise.all(
      ids.map(async (id) =>
        world.agent.report({ id, image: NEW, deployNumber: 1, generation: 2 }, { runningImage: NEW }),
      ),
    );
    await answer;
    const targets = await world.targets();
    for (const id of ids) {
      const { deploy_status } = await world.sentinel(id);
      expect(targets[id]).toBe(deploy_status);
    }
    const outcomes = await world.rows<{ sentinel_id: string; last: string; n: number }>(
      `select sentinel_id, count(*) filter (where type in ('sentinel_ready', 'sentinel_failed'))::int as n,
              (array_agg(type order by sequence desc))[1] as last
         from rollout_events where sentinel_id is not null group by sentinel_id`,
    );
    for (const { sentinel_id, n, last } of outcomes) {
      expect(n).toBe(1);
      expect(last).toMatch(targets[sentinel_id] === "ready" ? /_(ready|recovered)$/ : /_failed$/);
    }
  });
});
