import { describe, expect, test } from "vitest";
import { SentinelRolloutState } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { eventually } from "../support/eventually.ts";
import { converges, failingOn, silentOn } from "./test-agent.ts";
import { NEW, OLD, World } from "./world.ts";

const OTHER = "registry.test/sentinel:3";

describe("RollbackAll", () => {
  test("of a paused rollout: those that took the image go back to their own previous one, failed ones are left alone", async () => {
    await using world = await World.create({ sentinels: 4 });
    await world.rows("update sentinels set image = $1, running_image = $1 where id = 'snt_02'", [OTHER]);
    world.agent.behaviour = failingOn(NEW, "snt_03");
    await (
      await world.rollout({ wavePercentages: [75, 100] })
    ).answer;
    expect(await (await world.rollbackAll()).answer).toMatchObject({ reverted: 2 });
    expect((await world.latest()).state).toBe("cancelled");
    expect(await world.targets()).toEqual({
      snt_01: "reverted",
      snt_02: "reverted",
      snt_03: "failed",
      snt_04: "pending",
    });
    expect(await world.sentinel("snt_01")).toMatchObject({ image: OLD, running_image: OLD, generation: "3" });
    expect(await world.sentinel("snt_02")).toMatchObject({ image: OTHER, running_image: OTHER, generation: "3" });
    expect(await world.sentinel("snt_03")).toMatchObject({ image: NEW, generation: "2" });
    expect((await world.events()).filter((event) => /roll(back|out_c)|revert/.test(event))).toEqual([
      "rollback_started",
      "sentinel_reverting snt_01",
      "sentinel_reverting snt_02",
      "sentinel_reverted snt_01",
      "sentinel_reverted snt_02",
      "rollback_completed",
    ]);
    expect(await world.rows("select reverted, total from rollout_events where type = 'rollback_completed'")).toEqual([
      { reverted: 2, total: 4 },
    ]);
  });

  test("of one that ran the image before its turn came: it is left alone, said so, and not counted", async () => {
    await using world = await World.create({ sentinels: 3 });
    world.agent.behaviour = failingOn(NEW, "snt_03");
    await (
      await world.rollout({ wavePercentages: [100] })
    ).answer;
    await world.rows("update rollout_targets set previous_image = $1 where sentinel_id = 'snt_02' returning 1", [NEW]);
    expect(await (await world.rollbackAll()).answer).toMatchObject({ reverted: 1 });
    expect(await world.target("snt_02")).toMatchObject({
      status: "ready",
      reason: "it ran this image before its turn came",
    });
    expect(await world.sentinel("snt_02")).toMatchObject({ image: NEW, generation: "2" });
  });

  test("of a cancelled one with a deploy in flight that then takes the image: waits for it and reverts it", async () => {
    await using world = await World.create({ sentinels: 2 });
    world.agent.behaviour = silentOn(NEW, "snt_02");
    await world.rollout({ wavePercentages: [100] });
    await world.inFlight("snt_02");
    await (
      await world.cancel()
    ).answer;
    const rollback = await world.rollbackAll();
    await eventually(async () => (await world.target("snt_01"))?.status === "reverted");
    expect(await world.target("snt_02")).toMatchObject({ status: "deploying" });
    await world.agent.report(await world.deploying("snt_02"), { runningImage: NEW });
    expect(await rollback.answer).toMatchObject({ reverted: 2 });
    expect(await world.sentinel("snt_02")).toMatchObject({ image: OLD });
  });

  test("with a deploy in flight that then fails: leaves it alone", async () => {
    await using world = await World.create({ sentinels: 2 });
    world.agent.behaviour = silentOn(NEW, "snt_02");
    await world.rollout({ wavePercentages: [100] });
    await world.inFlight("snt_02");
    await (
      await world.cancel()
    ).answer;
    const rollback = await world.rollbackAll();
    await eventually(async () => (await world.target("snt_01"))?.status === "reverted");
    await world.agent.report(await world.deploying("snt_02"), { failureClass: "quota", reason: "no room" });
    expect(await rollback.answer).toMatchObject({ reverted: 1 });
    expect(await world.targets()).toEqual({ snt_01: "reverted", snt_02: "failed" });
    expect(await world.sentinel("snt_02")).toMatchObject({ image: NEW });
  });

  test("some fail to go back: stay listed as ready with the reason; called again it reverts just those", async () => {
    await using world = await World.create({ sentinels: 4 });
    world.agent.behaviour = failingOn(NEW, "snt_04");
    await (
      await world.rollout({ wavePercentages: [100] })
    ).answer;
    world.agent.behaviour = failingOn(OLD, "snt_02");
    expect(await (await world.rollbackAll()).answer).toMatchObject({ reverted: 2 });
    expect(await world.target("snt_02")).toMatchObject({
      status: "ready",
      reverting: false,
      reason: "back-off restarting",
    });
    world.agent.behaviour = converges;
    expect(await (await world.rollbackAll()).answer).toMatchObject({ reverted: 1 });
    expect(await world.targets()).toEqual({
      snt_01: "reverted",
      snt_02: "reverted",
      snt_03: "reverted",
      snt_04: "failed",
    });
    expect(await world.sentinel("snt_02")).toMatchObject({ image: OLD, generation: "3" });
    expect(await world.sentinel("snt_01")).toMatchObject({ image: OLD, generation: "3" });
    expect(await (await world.rollbackAll()).answer).toMatchObject({ reverted: 0 });
  });

  test("one that failed to go back and came up since, by itself: is reverted without another deploy", async () => {
    await using world = await World.create({ sentinels: 2 });
    world.agent.behaviour = failingOn(NEW, "snt_02");
    await (
      await world.rollout({ wavePercentages: [100] })
    ).answer;
    world.agent.behaviour = failingOn(OLD, "snt_01");
    await (
      await world.rollbackAll()
    ).answer;
    const before = await world.deploying("snt_01");
    await world.agent.report(before, { runningImage: OLD });
    expect(await (await world.rollbackAll()).answer).toMatchObject({ reverted: 1 });
    expect(await world.deploying("snt_01")).toEqual(before);
  });

  test("an image that somebody changed since: left alone, reported, not counted", async () => {
    await using world = await World.create({ sentinels: 3 });
    world.agent.behaviour = failingOn(NEW, "snt_03");
    await (
      await world.rollout({ wavePercentages: [100] })
    ).answer;
    await (
      await world.deploy("snt_01", { image: OTHER })
    ).answer;
    expect(await (await world.rollbackAll()).answer).toMatchObject({ reverted: 1 });
    expect(await world.sentinel("snt_01")).toMatchObject({ image: OTHER });
    expect(await world.target("snt_01")).toMatchObject({
      status: "ready",
      reason: `its image was changed since to ${OTHER}`,
    });
    const [event] = await world.rows(
      "select sentinel_id, reason from rollout_events where type = 'sentinel_revert_failed'",
    );
    expect(event).toEqual({ sentinel_id: "snt_01", reason: `its image was changed since to ${OTHER}` });
  });

  test("a sentinel that was deleted meanwhile: stays listed with the reason, the others are reverted", async () => {
    await using world = await World.create({ sentinels: 3 });
    world.agent.behaviour = failingOn(NEW, "snt_03");
    await (
      await world.rollout({ wavePercentages: [100] })
    ).answer;
    await world.rows("delete from sentinels where id = 'snt_01'");
    expect(await (await world.rollbackAll()).answer).toMatchObject({ reverted: 1 });
    expect(await world.target("snt_01")).toMatchObject({ status: "ready", reason: "the sentinel was deleted" });
  });

  test("a bad image that never came up before the rollout: is never what it goes back to", async () => {
    await using world = await World.create({ sentinels: 2 });
    await world.rows("update sentinels set image = $1, deploy_status = 'failed' where id = 'snt_01'", [OTHER]);
    await world.rows("update sentinels set running_image = '' where id = 'snt_02'");
    world.agent.behaviour = converges;
    await (
      await world.rollout({ wavePercentages: [100] })
    ).answer;
    expect(await world.target("snt_01")).toMatchObject({ previous_image: OLD });
    expect(await world.target("snt_02")).toMatchObject({ previous_image: OLD });
  });

  test("it does not come up in time: not reverted, class timeout, counters even", async () => {
    await using world = await World.create({ sentinels: 2, deployTimeoutMs: 100 });
    world.agent.behaviour = failingOn(NEW, "snt_02");
    await (
      await world.rollout({ wavePercentages: [100] })
    ).answer;
    world.agent.behaviour = silentOn(OLD, "snt_01");
    expect(await (await world.rollbackAll()).answer).toMatchObject({ reverted: 0 });
    expect(await world.target("snt_01")).toMatchObject({
      status: "ready",
      reverting: false,
      reason: "not ready within 100ms: no agent connected for region test, never seen",
    });
    const [wave] = await world.rows("select in_flight, ready, failed, reverted from rollout_waves");
    expect(wave).toEqual({ in_flight: 0, ready: 1, failed: 1, reverted: 0 });
  });

  test("after it: another rollout is legal, and it visits all of them", async () => {
    await using world = await World.create({ sentinels: 2 });
    world.agent.behaviour = failingOn(NEW, "snt_02");
    await (
      await world.rollout({ wavePercentages: [100] })
    ).answer;
    await (
      await world.rollbackAll()
    ).answer;
    world.agent.behaviour = converges;
    const { answer } = await world.rollout();
    expect((await answer).state).toBe(SentinelRolloutState.COMPLETED);
    expect(await world.targets()).toEqual({ snt_01: "ready", snt_02: "ready" });
  });
});
