import { describe, expect, test } from "vitest";
import { SentinelRolloutState } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { deleteOldHistory, readEvents } from "../../src/rollout/index.ts";
import { failingOn } from "./test-agent.ts";
import { NEW, OLD, World } from "./world.ts";

const MINUTE_MS = 60_000;

/** Lets some time pass for all that has happened so far. */
async function anHourPasses(world: World): Promise<void> {
  await world.rows("update rollout_events set time = time - interval '1 hour'");
  await world.rows("update rollouts set ended_at = ended_at - interval '1 hour'");
}

async function counts(world: World) {
  const [row] = await world.rows<{ rollouts: number; waves: number; targets: number; events: number }>(
    `select (select count(*)::int from rollouts) as rollouts, (select count(*)::int from rollout_waves) as waves,
            (select count(*)::int from rollout_targets) as targets, (select count(*)::int from rollout_events) as events`,
  );
  return row;
}

async function completed(world: World, image: string): Promise<void> {
  expect(await (await world.rollout({ image, wavePercentages: [100] })).answer).toMatchObject({
    state: SentinelRolloutState.COMPLETED,
  });
}

describe("deleteOldHistory", () => {
  test("what is young: stays", async () => {
    await using world = await World.create({ sentinels: 2 });
    await completed(world, NEW);
    const before = await counts(world);
    expect(await deleteOldHistory(world.engine, MINUTE_MS)).toBe(0);
    expect(await counts(world)).toEqual(before);
  });

  test("old rollouts: gone with all that is theirs, but for the latest; their events, too, and a reader is told", async () => {
    await using world = await World.create({ sentinels: 2 });
    await completed(world, NEW);
    await completed(world, OLD);
    const { events = 0 } = (await counts(world)) ?? {};
    await anHourPasses(world);
    await completed(world, NEW);
    const latest = await world.latest();
    expect(await deleteOldHistory(world.engine, MINUTE_MS)).toBe(events + 2 * (2 + 1));
    expect(await counts(world)).toEqual({ rollouts: 1, waves: 1, targets: 2, events: events / 2 });
    expect(await world.latest()).toEqual(latest);
    const read = await readEvents(world.pool, { after: 0n, limit: 1_000 });
    expect(read.deletedUpTo).toBe(BigInt(events));
    expect(read.events[0]?.sequence).toBe(BigInt(events + 1));
  });

  test("the latest is old, and was cancelled: it stays and can be rolled back, though its events are gone", async () => {
    await using world = await World.create({ sentinels: 3 });
    await completed(world, NEW);
    world.agent.behaviour = failingOn(OLD, "snt_02");
    await (
      await world.rollout({ image: OLD, wavePercentages: [60, 100] })
    ).answer;
    await (
      await world.cancel()
    ).answer;
    await anHourPasses(world);
    await deleteOldHistory(world.engine, MINUTE_MS);
    expect(await counts(world)).toEqual({ rollouts: 1, waves: 2, targets: 3, events: 0 });
    expect(await (await world.rollbackAll()).answer).toMatchObject({ reverted: 1 });
  });

  test("a rollout that is paused: it and its events stay, however old", async () => {
    await using world = await World.create({ sentinels: 2 });
    world.agent.behaviour = failingOn(NEW, "snt_01");
    await (
      await world.rollout({ wavePercentages: [50, 100] })
    ).answer;
    await anHourPasses(world);
    const before = await counts(world);
    expect(await deleteOldHistory(world.engine, MINUTE_MS)).toBe(0);
    expect(await counts(world)).toEqual(before);
  });

  test("a message waits for an event: it and what came after it stay", async () => {
    await using world = await World.create({ sentinels: 2 });
    await completed(world, NEW);
    await world.rows("insert into notifications (sequence, rollout_id) select 3, id from rollouts");
    await anHourPasses(world);
    await deleteOldHistory(world.engine, MINUTE_MS);
    const [row] = await world.rows("select min(sequence)::int as oldest from rollout_events");
    expect(row).toEqual({ oldest: 3 });
  });
});
