import { describe, expect, test } from "vitest";
import { SentinelRolloutState } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { eventually } from "../support/eventually.ts";
import { converges, failingOn, silent, silentOn } from "./test-agent.ts";
import { NEW, OLD, refusal, World } from "./world.ts";

const { CANCELLED, COMPLETED, PAUSED } = SentinelRolloutState;
const OTHER = "registry.test/sentinel:3";

/** Brings a fresh world into a state, and lets it go on afterwards. */
const STATES: Record<string, (world: World) => Promise<void>> = {
  idle: async () => {},
  async in_progress(world) {
    world.agent.behaviour = silentOn(NEW, "snt_01");
    await world.rollout();
    await world.inFlight("snt_01");
  },
  async paused(world) {
    world.agent.behaviour = failingOn(NEW, "snt_01");
    await (
      await world.rollout()
    ).answer;
  },
  async cancelled(world) {
    await STATES["in_progress"]?.(world);
    await (
      await world.cancel()
    ).answer;
  },
  async completed(world) {
    await (
      await world.rollout()
    ).answer;
  },
  async rolling_back(world) {
    world.agent.behaviour = failingOn(NEW, "snt_02");
    await (
      await world.rollout({ wavePercentages: [100] })
    ).answer;
    world.agent.behaviour = silentOn(OLD, "snt_01", "snt_03");
    await world.rollbackAll();
    await world.inFlight("snt_01", "snt_03");
  },
};

const CALLS = {
  Rollout: (world: World) => world.rollout({ image: OTHER }),
  Resume: (world: World) => world.resume(),
  Cancel: (world: World) => world.cancel(),
  RollbackAll: (world: World) => world.rollbackAll(),
};

const LEGAL: Record<string, (keyof typeof CALLS)[]> = {
  idle: ["Rollout"],
  in_progress: ["Cancel"],
  paused: ["Resume", "Cancel", "RollbackAll"],
  cancelled: ["Rollout", "RollbackAll"],
  completed: ["Rollout"],
  rolling_back: [],
};

const WORDS: Record<keyof typeof CALLS, RegExp> = {
  Rollout: /^rollout already active in state [A-Z_]+: rol_/,
  Resume: /^no paused rollout to resume/,
  Cancel: /^(no active rollout$|cannot cancel rollout in state [A-Z_]+)/,
  RollbackAll: /^(no active rollout$|cannot rollback in state [A-Z_]+, must be paused or cancelled)/,
};

describe("the state table", () => {
  test.each(Object.keys(STATES))(
    "%s: what is legal is accepted, everything else refused at once and changes nothing",
    async (state) => {
      await using world = await World.create({ sentinels: 3 });
      await STATES[state]?.(world);
      for (const [name, operate] of Object.entries(CALLS) as [
        keyof typeof CALLS,
        (world: World) => Promise<unknown>,
      ][]) {
        if (LEGAL[state]?.includes(name)) continue;
        const before = await everything(world);
        const { kind, message } = await refusal(operate(world));
        expect(kind).toBe("conflict");
        expect(message).toMatch(WORDS[name]);
        const told = state === "idle" ? "" : state.toUpperCase();
        expect(message).toContain(told);
        expect(message).toContain(told && (await world.latest()).id);
        expect(await everything(world)).toEqual(before);
      }
    },
  );

  const accepted = Object.entries(LEGAL).flatMap(([state, names]) => names.map((name) => ({ state, name })));
  test.each(accepted)("$name in $state: accepted, and the rollout ends", async ({ state, name }) => {
    await using world = await World.create({ sentinels: 3 });
    await STATES[state]?.(world);
    world.agent.behaviour = converges;
    const { answer } = await CALLS[name](world);
    world.agent.look();
    await answer;
    await eventually(async () => ["completed", "cancelled"].includes((await world.latest()).state));
  });

  test("another rollout is meant: Resume, Cancel and RollbackAll are refused, naming both", async () => {
    await using world = await World.create({ sentinels: 2 });
    await STATES["paused"]?.(world);
    const { id } = await world.latest();
    for (const operate of [world.resume("rol_x"), world.cancel("rol_x"), world.rollbackAll("rol_x")]) {
      const { kind, message } = await refusal(operate);
      expect(kind).toBe("conflict");
      expect(message).toContain("rol_x");
      expect(message).toContain(id);
    }
    expect((await (await world.resume(id)).answer).state).toBe(COMPLETED);
  });
});

describe("Resume", () => {
  test("goes on with the next wave; what failed stays failed and is not tried again", async () => {
    await using world = await World.create({ sentinels: 4 });
    world.agent.behaviour = failingOn(NEW, "snt_01", "snt_04");
    await (
      await world.rollout({ wavePercentages: [50, 75, 100] })
    ).answer;
    expect((await (await world.resume()).answer).state).toBe(PAUSED);
    expect(await world.targets()).toEqual({ snt_01: "failed", snt_02: "ready", snt_03: "ready", snt_04: "failed" });
    expect((await (await world.resume()).answer).state).toBe(COMPLETED);
    expect(await world.sentinel("snt_01")).toMatchObject({ deploy_number: "1" });
    expect((await world.events()).slice(-2)).toEqual(["rollout_resumed", "rollout_completed"]);
  });
});

describe("Cancel", () => {
  test("during a wave: both calls answer, no further deploy starts, what is in flight still gets its outcome", async () => {
    await using world = await World.create({ sentinels: 4 });
    world.agent.behaviour = silentOn(NEW, "snt_01", "snt_02");
    const { answer } = await world.rollout({ wavePercentages: [50, 100] });
    await world.inFlight("snt_01", "snt_02");
    await (
      await world.cancel()
    ).answer;
    expect((await answer).state).toBe(CANCELLED);
    expect(await world.targets()).toEqual({
      snt_01: "deploying",
      snt_02: "deploying",
      snt_03: "pending",
      snt_04: "pending",
    });
    await world.agent.report(await world.deploying("snt_01"), { runningImage: NEW });
    await world.agent.report(await world.deploying("snt_02"), { failureClass: "image_pull", reason: "no such image" });
    await eventually(async () => {
      expect(await world.targets()).toMatchObject({ snt_01: "ready", snt_02: "failed" });
    });
    expect((await world.latest()).state).toBe("cancelled");
    const [wave] = await world.rows("select in_flight, ready, failed from rollout_waves where wave_index = 0");
    expect(wave).toEqual({ in_flight: 0, ready: 1, failed: 1 });
  });

  test("a target whose turn comes after it: skipped, never deployed", async () => {
    await using world = await World.create({ sentinels: 2 });
    world.agent.behaviour = silent;
    const manual = await world.deploy("snt_02", { image: OTHER });
    await world.inFlight("snt_02");
    await world.rollout({ wavePercentages: [100] });
    await world.inFlight("snt_01");
    await (
      await world.cancel()
    ).answer;
    await world.agent.report(await world.deploying("snt_02"), { runningImage: OTHER });
    await manual.answer;
    await eventually(async () => {
      expect(await world.target("snt_02")).toMatchObject({
        status: "skipped",
        reason: "the rollout was cancelled before its turn came",
      });
    });
    expect(await world.sentinel("snt_02")).toMatchObject({ image: OTHER });
  });

  test("of a paused rollout: cancelled, although nobody drives it", async () => {
    await using world = await World.create({ sentinels: 2 });
    await STATES["paused"]?.(world);
    await (
      await world.cancel()
    ).answer;
    expect(await world.latest()).toMatchObject({ state: "cancelled", reason: "" });
  });

  test("with a running wave: its end is noted, so that it is not taken for one still to come", async () => {
    await using world = await World.create({ sentinels: 2 });
    await STATES["cancelled"]?.(world);
    const waves = await world.rows<{ completed_at: Date | null }>(
      "select completed_at from rollout_waves order by wave_index",
    );
    expect(waves.map(({ completed_at }) => completed_at !== null)).toEqual([true, false]);
  });
});

/** All that a refused call could have changed. */
async function everything(world: World): Promise<unknown> {
  return await world.rows(
    `select (select json_agg(r) from rollouts r) as rollouts, (select json_agg(w) from rollout_waves w) as waves,
            (select json_agg(t order by target) from rollout_targets t) as targets, (select json_agg(s order by id) from sentinels s) as fleet,
            (select count(*) from rollout_events) as events, (select count(*) from engine.invocations) as invocations,
            (select count(*) from engine.idempotency) as keys`,
  );
}
