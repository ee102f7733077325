import { describe, expect, test } from "vitest";
import { SentinelDeployStatus } from "../../src/gen/hydra/v1/sentinel_pb.ts";
import { abandonedDeploy } from "../../src/rollout/deploy-wait.ts";
import { finishDeploy } from "../../src/rollout/effects/finish-deploy.ts";
import { eventually } from "../support/eventually.ts";
import { converges, failingOn, silent, silentOn } from "./test-agent.ts";
import { NEW, OLD, refusal, REQUEST_ID, World } from "./world.ts";

const { READY, FAILED } = SentinelDeployStatus;

describe("Deploy", () => {
  test("another image: one change of desired state, ready once a report for this deploy says so", async () => {
    await using world = await World.create({ sentinels: 1 });
    const { answer } = await world.deploy("snt_01", { image: NEW, cpuMillicores: 500 });
    expect(await answer).toMatchObject({ status: READY, reason: "" });
    expect(await world.sentinel("snt_01")).toMatchObject({
      image: NEW,
      cpu_millicores: 500,
      desired_replicas: 1,
      generation: "2",
    });
    expect(await world.rows("select sentinel_id, deleted from desired_changes")).toEqual([
      { sentinel_id: "snt_01", deleted: false },
    ]);
    expect(await world.events()).toEqual([]);
  });

  test("nothing to change and healthy: ready at once, nothing written", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = silent;
    const before = await world.sentinel("snt_01");
    expect(await (await world.deploy("snt_01")).answer).toMatchObject({ status: READY });
    expect(await (await world.deploy("snt_01", { image: OLD, desiredReplicas: 1 })).answer).toMatchObject({
      status: READY,
    });
    expect(await world.sentinel("snt_01")).toEqual(before);
  });

  test("nothing to change but not healthy: is deployed again, same generation", async () => {
    await using world = await World.create({ sentinels: 1 });
    await world.rows("update sentinels set health = 'unhealthy', available_replicas = 0");
    expect(await (await world.deploy("snt_01")).answer).toMatchObject({ status: READY });
    expect(await world.sentinel("snt_01")).toMatchObject({ generation: "1", deploy_number: "1" });
  });

  test("the cluster says that it cannot work: failed at once with the reason, and logged", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = failingOn(NEW, "snt_01");
    expect(await (await world.deploy("snt_01", { image: NEW })).answer).toMatchObject({
      status: FAILED,
      reason: "back-off restarting",
    });
    expect(world.logged).toEqual([
      {
        message: "sentinel deploy failed",
        fields: { requestId: REQUEST_ID, sentinelId: "snt_01", image: NEW, reason: "back-off restarting" },
      },
    ]);
  });

  test("no report in time: failed", async () => {
    await using world = await World.create({ sentinels: 1, deployTimeoutMs: 50 });
    world.agent.behaviour = silent;
    expect(await (await world.deploy("snt_01", { image: NEW })).answer).toMatchObject({
      status: FAILED,
      reason: "not ready within 50ms: no agent connected for region test, never seen",
    });
    expect(await world.sentinel("snt_01")).toMatchObject({ deploy_status: "failed", deploy_awakeable: null });
  });

  test("several wait for one sentinel: they run one at a time, all but the last of the waiting are superseded by it", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = silent;
    const first = await world.deploy("snt_01", { image: NEW });
    await world.inFlight("snt_01");
    const second = await world.deploy("snt_01", { image: "registry.test/sentinel:3" });
    const third = await world.deploy("snt_01", { image: "registry.test/sentinel:4" });
    world.agent.behaviour = converges;
    world.agent.look();
    expect(await first.answer).toMatchObject({ status: READY });
    expect(await second.answer).toMatchObject({ status: FAILED, reason: `superseded by ${third.invocationId}` });
    expect(await third.answer).toMatchObject({ status: READY });
    expect(await world.sentinel("snt_01")).toMatchObject({ image: "registry.test/sentinel:4", generation: "3" });
  });

  test("of an unknown sentinel: not found, and no invocation is left behind", async () => {
    await using world = await World.create({ sentinels: 0 });
    expect((await refusal(world.deploy("snt_01", { image: NEW }))).kind).toBe("not_found");
    expect(await world.rows("select 1 from engine.invocations")).toEqual([]);
  });

  test.each(["standby", "archived"])("of a sentinel that is %s: a conflict that says so", async (state) => {
    await using world = await World.create({ sentinels: 1 });
    await world.rows("update sentinels set desired_state = $1", [state]);
    const { kind, message } = await refusal(world.deploy("snt_01", { image: NEW }));
    expect(kind).toBe("conflict");
    expect(message).toContain(state);
  });

  test("archived while it waited for its turn: a conflict, nothing written", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = silent;
    const first = await world.deploy("snt_01", { image: NEW });
    await world.inFlight("snt_01");
    const second = await world.deploy("snt_01", { image: OLD });
    await world.rows("update sentinels set desired_state = 'archived'");
    await world.agent.report(await world.deploying("snt_01"), { runningImage: NEW });
    expect(await first.answer).toMatchObject({ status: FAILED, reason: "the sentinel is archived" });
    expect((await refusal(second.answer)).kind).toBe("conflict");
  });

  test.each([
    [{ image: "A B" }, "image"],
    [{ cpuMillicores: -1 }, "cpu_millicores"],
    [{ memoryMib: -1 }, "memory_mib"],
    [{ desiredReplicas: -1 }, "desired_replicas"],
    [{ sentinelId: "snt_02" }, "sentinel_id"],
  ])("%j: refused as invalid, naming the field", async (request, field) => {
    await using world = await World.create({ sentinels: 2 });
    const { kind, message } = await refusal(world.deploy("snt_01", request));
    expect(kind).toBe("invalid");
    expect(message).toContain(field);
  });

  test("its invocation is killed: the sentinel does not stay progressing", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = silent;
    const { invocationId, answer } = await world.deploy("snt_01", { image: NEW });
    await world.inFlight("snt_01");
    await world.engine.kill(invocationId);
    expect((await refusal(answer)).kind).toBe("killed");
    expect(await world.sentinel("snt_01")).toMatchObject({ deploy_status: "failed", deploy_reason_class: "abandoned" });
  });

  test("its invocation is killed while it waits for its turn: the one that runs is not touched", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = silent;
    const first = await world.deploy("snt_01", { image: NEW });
    await world.inFlight("snt_01");
    const second = await world.deploy("snt_01", { image: OLD });
    await world.engine.kill(second.invocationId);
    expect(await world.sentinel("snt_01")).toMatchObject({ deploy_status: "progressing" });
    await world.agent.report(await world.deploying("snt_01"), { runningImage: NEW });
    expect(await first.answer).toMatchObject({ status: READY });
    expect((await refusal(second.answer)).kind).toBe("killed");
    expect(await world.sentinel("snt_01")).toMatchObject({ image: NEW, deploy_status: "ready", generation: "2" });
  });

  test("the end of another invocation without an outcome: does not touch the deploy that runs", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = silent;
    await world.deploy("snt_01", { image: NEW });
    await world.inFlight("snt_01");
    const before = await world.sentinel("snt_01");
    const abandoned = abandonedDeploy({ invocationId: "inv_1another", key: "snt_01", reason: "killed" });
    await world.engine.execute(finishDeploy, { sentinelId: "snt_01", ...abandoned });
    expect(await world.sentinel("snt_01")).toEqual(before);
  });

  test("somebody else completes what it waits on: it waits on", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = silent;
    const { answer } = await world.deploy("snt_01", { image: NEW });
    await world.inFlight("snt_01");
    const { deploy_awakeable } = await world.sentinel("snt_01");
    await world.engine.resolveAwakeable(String(deploy_awakeable), "{}");
    await eventually(async () => {
      const again = (await world.sentinel("snt_01"))["deploy_awakeable"];
      return again !== null && again !== deploy_awakeable;
    });
    await world.agent.report(await world.deploying("snt_01"), { runningImage: NEW });
    expect(await answer).toMatchObject({ status: READY });
  });

  test("the report comes before it waits: is not lost", async () => {
    await using world = await World.create({ sentinels: 20 });
    const calls = await Promise.all(
      Array.from({ length: 20 }, (_, i) => world.deploy(`snt_${String(i + 1).padStart(2, "0")}`, { image: NEW })),
    );
    for (const { answer } of calls) expect(await answer).toMatchObject({ status: READY });
  });
});

describe("a Deploy beside a rollout", () => {
  test("of a waiting target: the rollout's deploy is superseded and its target has failed", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = silent;
    const running = await world.deploy("snt_01", { image: "registry.test/sentinel:3" });
    await world.inFlight("snt_01");
    const rollout = await world.rollout();
    await world.invocations("DeployTarget", "snt_01", "queued");
    const later = await world.deploy("snt_01", { image: "registry.test/sentinel:4" });
    world.agent.behaviour = converges;
    world.agent.look();
    await Promise.all([running.answer, rollout.answer, later.answer]);
    expect(await world.target("snt_01")).toMatchObject({
      status: "failed",
      reason: `superseded by ${later.invocationId}`,
    });
    expect(await world.sentinel("snt_01")).toMatchObject({ image: "registry.test/sentinel:4" });
  });

  test("of a failed target, with the rollout's image: once it comes up the target took the image after all", async () => {
    await using world = await World.create({ sentinels: 2 });
    world.agent.behaviour = failingOn(NEW, "snt_01");
    await (
      await world.rollout({ wavePercentages: [50, 100] })
    ).answer;
    world.agent.behaviour = converges;
    expect(await (await world.deploy("snt_01", { image: NEW })).answer).toMatchObject({ status: READY });
    expect(await world.target("snt_01")).toMatchObject({ status: "ready" });
    expect(await (await world.rollbackAll()).answer).toMatchObject({ reverted: 1 });
  });
});

describe("NotifyReady", () => {
  test("of a deploy that has not converged: answers, and makes nothing ready", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = silent;
    await world.deploy("snt_01", { image: NEW });
    await world.inFlight("snt_01");
    await (
      await world.notifyReady("snt_01")
    ).answer;
    expect(await world.sentinel("snt_01")).toMatchObject({ deploy_status: "progressing" });
  });

  test("of one that has, by the last report for this deploy: ready", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = silent;
    const { answer } = await world.deploy("snt_01", { image: NEW, desiredReplicas: 2 });
    await world.inFlight("snt_01");
    await world.agent.report(await world.deploying("snt_01"), { runningImage: NEW, availableReplicas: 1 });
    expect(await world.sentinel("snt_01")).toMatchObject({ deploy_status: "progressing" });
    await world.rows("update sentinels set available_replicas = 2");
    await (
      await world.notifyReady("snt_01")
    ).answer;
    expect(await answer).toMatchObject({ status: READY });
  });

  test("of an unknown sentinel: not found", async () => {
    await using world = await World.create({ sentinels: 0 });
    expect((await refusal(world.notifyReady("snt_01"))).kind).toBe("not_found");
  });

  test("beside a rollout that waits for the same sentinel: answers at once", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = silentOn(NEW, "snt_01");
    await world.rollout();
    await world.inFlight("snt_01");
    await (
      await world.notifyReady("snt_01")
    ).answer;
    expect(await world.target("snt_01")).toMatchObject({ status: "deploying" });
  });
});
