import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import type { TerminalError } from "../../src/engine/index.ts";
import {
  SentinelRolloutService,
  SentinelRolloutServiceCancelRequestSchema,
  SentinelRolloutState,
} from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { eventually } from "../support/eventually.ts";
import { converges, failingOn, silent, silentOn, TestAgent } from "./test-agent.ts";
import { call, NEW, OLD, refusal, startEngine, World } from "./world.ts";

const { CANCELLED, COMPLETED, PAUSED } = SentinelRolloutState;

describe("two servers on one database", () => {
  test("Rollout on both at the same instant: exactly one is accepted, the other one leaves no invocation behind", async () => {
    await using world = await World.create({ sentinels: 2 });
    const other = await startEngine(world.database.url);
    try {
      const start = (engine: typeof other) =>
        call(engine, SentinelRolloutService.method.rollout, "singleton", { image: NEW });
      const results = await Promise.allSettled([start(world.engine), start(other), start(world.engine), start(other)]);
      const accepted = results.filter((result) => result.status === "fulfilled");
      expect(accepted).toHaveLength(1);
      const refused = results.filter((result) => result.status === "rejected");
      expect(refused.map(({ reason }) => (reason as TerminalError).kind)).toEqual(["conflict", "conflict", "conflict"]);
      expect((await accepted[0]?.value.answer)?.state).toBe(COMPLETED);
      expect(await world.rows("select count(*)::int as n from engine.invocations where handler = 'Rollout'")).toEqual([
        { n: 1 },
      ]);
      expect(await world.rows("select count(*)::int as n from rollouts")).toEqual([{ n: 1 }]);
    } finally {
      await other.stop();
    }
  });

  test("Resume on both at the same instant: one goes on, the other one is refused", async () => {
    await using world = await World.create({ sentinels: 4 });
    const other = await startEngine(world.database.url);
    try {
      world.agent.behaviour = failingOn(NEW, "snt_01");
      await (
        await world.rollout({ wavePercentages: [25, 100] })
      ).answer;
      const resumeOn = (engine: typeof other) => call(engine, SentinelRolloutService.method.resume, "singleton", {});
      const results = await Promise.allSettled([resumeOn(world.engine), resumeOn(other)]);
      expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      await world.inState("completed");
      expect((await world.events()).filter((event) => event === "rollout_resumed")).toHaveLength(1);
    } finally {
      await other.stop();
    }
  });
});

describe("a driver that is killed", () => {
  test("in the middle of a wave: paused with the reason at once; Resume visits what has no outcome, nobody twice", async () => {
    await using world = await World.create({ sentinels: 4 });
    world.agent.behaviour = silentOn(NEW, "snt_01", "snt_02");
    const { invocationId, answer } = await world.rollout({ wavePercentages: [50, 100] });
    await world.inFlight("snt_01", "snt_02");
    await world.engine.kill(invocationId);
    expect((await refusal(answer)).kind).toBe("killed");
    expect(await world.latest()).toMatchObject({ state: "paused", reason: "killed" });
    await world.agent.report(await world.deploying("snt_01"), { runningImage: NEW });
    await eventually(async () => (await world.target("snt_01"))?.status === "ready");
    const resumed = await world.resume();
    await world.invocations("DeployTarget", "snt_02", "queued");
    await world.agent.report(await world.deploying("snt_02"), { runningImage: NEW });
    expect((await resumed.answer).state).toBe(COMPLETED);
    for (const id of ["snt_01", "snt_02", "snt_03", "snt_04"]) {
      expect(await world.sentinel(id)).toMatchObject({ generation: "2", deploy_number: "1" });
    }
    expect((await world.events()).filter((event) => event.startsWith("sentinel_ready"))).toHaveLength(4);
    expect(await world.rows("select sum(in_flight)::int as n from rollout_waves")).toEqual([{ n: 0 }]);
  });

  test("while targets of its wave wait for their turn: they stay pending, and Resume deploys them", async () => {
    await using world = await World.create({ sentinels: 2 });
    world.agent.behaviour = silent;
    const manual = await world.deploy("snt_02", { image: "registry.test/sentinel:3" });
    await world.inFlight("snt_02");
    const { invocationId } = await world.rollout({ wavePercentages: [100] });
    await world.inFlight("snt_01");
    await world.engine.kill(invocationId);
    await world.inState("paused");
    world.agent.behaviour = converges;
    world.agent.look();
    await manual.answer;
    await world.invocations("DeployTarget", "snt_01", "succeeded");
    await world.invocations("DeployTarget", "snt_02", "succeeded");
    expect(await world.targets()).toEqual({ snt_01: "ready", snt_02: "pending" });
    expect((await (await world.resume()).answer).state).toBe(COMPLETED);
    expect(await world.targets()).toEqual({ snt_01: "ready", snt_02: "ready" });
  });

  test("while it rolls back: cancelled with the reason; RollbackAll called again does the rest, and counts none twice", async () => {
    await using world = await World.create({ sentinels: 3 });
    world.agent.behaviour = failingOn(NEW, "snt_03");
    await (
      await world.rollout({ wavePercentages: [100] })
    ).answer;
    world.agent.behaviour = silentOn(OLD, "snt_02");
    const { invocationId } = await world.rollbackAll();
    await world.inFlight("snt_02");
    await eventually(async () => (await world.target("snt_01"))?.status === "reverted");
    await world.engine.kill(invocationId);
    await world.inState("cancelled");
    expect(await world.latest()).toMatchObject({ reason: "killed" });
    const again = await world.rollbackAll();
    await world.agent.report(await world.deploying("snt_02"), { runningImage: OLD });
    expect(await again.answer).toMatchObject({ reverted: 1 });
    expect(await world.targets()).toEqual({ snt_01: "reverted", snt_02: "reverted", snt_03: "failed" });
    expect(await world.sentinel("snt_02")).toMatchObject({ generation: "3" });
  });

  test("cancelled by an operator of the engine: paused with the reason, and the call says so", async () => {
    await using world = await World.create({ sentinels: 2 });
    world.agent.behaviour = silentOn(NEW, "snt_01");
    const { invocationId, answer } = await world.rollout({ wavePercentages: [50, 100] });
    await world.inFlight("snt_01");
    await world.engine.cancel(invocationId);
    expect((await answer).state).toBe(PAUSED);
    expect(await world.latest()).toMatchObject({ state: "paused", reason: "its invocation was cancelled" });
  });

  test("one target's deploy is killed before its turn: the target has failed with the reason, and the rollout pauses", async () => {
    await using world = await World.create({ sentinels: 2 });
    world.agent.behaviour = silent;
    const manual = await world.deploy("snt_02", { image: "registry.test/sentinel:3" });
    await world.inFlight("snt_02");
    const { answer } = await world.rollout({ wavePercentages: [100] });
    await world.invocations("DeployTarget", "snt_02", "queued");
    const [child] = await world.engine.listInvocations({ handler: "DeployTarget", key: "snt_02", limit: 1 });
    await world.engine.kill(child?.invocationId ?? "");
    world.agent.behaviour = converges;
    world.agent.look();
    await manual.answer;
    expect((await answer).state).toBe(PAUSED);
    expect(await world.target("snt_02")).toMatchObject({
      status: "failed",
      reason: "its deploy ended without an outcome: killed",
    });
    expect(await world.sentinel("snt_02")).toMatchObject({ image: "registry.test/sentinel:3", deploy_status: "ready" });
    expect(await world.rows("select in_flight, ready, failed from rollout_waves")).toEqual([
      { in_flight: 0, ready: 1, failed: 1 },
    ]);
  });

  test("one target's deploy is killed: the target has failed with the reason, and the rollout pauses", async () => {
    await using world = await World.create({ sentinels: 2 });
    world.agent.behaviour = silentOn(NEW, "snt_01");
    const { answer } = await world.rollout({ wavePercentages: [100] });
    await world.inFlight("snt_01");
    const [child] = await world.engine.listInvocations({ handler: "DeployTarget", key: "snt_01", limit: 1 });
    await world.engine.kill(child?.invocationId ?? "");
    expect((await answer).state).toBe(PAUSED);
    expect(await world.target("snt_01")).toMatchObject({
      status: "failed",
      reason: "its deploy ended without an outcome: killed",
    });
    expect(await world.sentinel("snt_01")).toMatchObject({ deploy_status: "failed", deploy_reason_class: "abandoned" });
    expect(await world.rows("select in_flight, ready, failed from rollout_waves")).toEqual([
      { in_flight: 0, ready: 1, failed: 1 },
    ]);
  });
});

describe("a server that stops and starts in the middle of a rollout", () => {
  test("goes on where it was: every sentinel changed once, one outcome each, events without gaps", async () => {
    await using world = await World.create({ sentinels: 30 });
    world.agent.behaviour = silent;
    const { invocationId } = await world.rollout({ wavePercentages: [20, 60, 100] });
    await eventually(async () => (await world.events()).includes("sentinel_deploying snt_06"));
    const other = await startEngine(world.database.url);
    try {
      await world.engine.stop();
      const agent = await TestAgent.start(world.database.url, other);
      try {
        agent.look();
        expect(await other.attach(invocationId)).toMatchObject({ ok: true });
      } finally {
        await agent.stop();
      }
    } finally {
      await other.stop();
    }
    expect((await world.latest()).state).toBe("completed");
    expect(await world.rows("select distinct generation::int, deploy_number::int from sentinels")).toEqual([
      { generation: 2, deploy_number: 1 },
    ]);
    const outcomes = await world.rows("select count(*)::int as n from rollout_events where type = 'sentinel_ready'");
    expect(outcomes).toEqual([{ n: 30 }]);
    const [log] = await world.rows("select max(sequence)::int as last, count(*)::int as n from rollout_events");
    expect(log?.["last"]).toBe(log?.["n"]);
  });
});

describe("a call that is repeated with its idempotency key", () => {
  test("Cancel after a lost answer: the first one's answer, although the state has changed", async () => {
    await using world = await World.create({ sentinels: 1 });
    world.agent.behaviour = silent;
    const { answer } = await world.rollout();
    await world.inFlight("snt_01");
    const cancel = () =>
      world.engine.invoke({
        service: "hydra.v1.SentinelRolloutService",
        handler: "Cancel",
        key: "singleton",
        input: create(SentinelRolloutServiceCancelRequestSchema),
        idempotencyKey: "k",
      });
    const first = await cancel();
    expect((await answer).state).toBe(CANCELLED);
    expect(await cancel()).toMatchObject({ invocationId: first.invocationId, repeated: true });
    expect((await world.events()).filter((event) => event === "rollout_cancelled")).toHaveLength(1);
  });
});
