import { expect, test } from "vitest";
import { failingOn } from "./test-agent.ts";
import { NEW, OLD, World } from "./world.ts";

test("rollout_state before the first rollout: no row", async () => {
  await using world = await World.create({ sentinels: 1 });
  expect(await world.rows("select * from rollout_state")).toEqual([]);
});

test("rollout_state: the latest rollout as the document that operators know", async () => {
  await using world = await World.create({ sentinels: 4 });
  await (
    await world.rollout()
  ).answer;
  world.agent.behaviour = failingOn(OLD, "snt_02");
  await (
    await world.rollout({ image: OLD, wavePercentages: [25, 50, 100] })
  ).answer;
  expect(await world.rows("select * from rollout_state")).toEqual([
    {
      rollout_id: (await world.latest()).id,
      document: {
        state: "SENTINEL_ROLLOUT_STATE_PAUSED",
        image: OLD,
        previousImages: { snt_01: NEW, snt_02: NEW },
        wavePercentages: [25, 50, 100],
        waves: [["snt_01"], ["snt_02"], ["snt_03", "snt_04"]],
        currentWave: 1,
        succeededIds: ["snt_01"],
        failedIds: ["snt_02"],
        totalSentinels: 4,
        startedAtMs: expect.any(Number),
        waveStartedAtMs: expect.any(Number),
      },
    },
  ]);
});
