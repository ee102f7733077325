import { eventually } from "../support/eventually.ts";
import { failingOn, silent, silentOn } from "../rollout/test-agent.ts";
import { NEW, World } from "../rollout/world.ts";

/** Plays something to its end; answers with the invocation whose journal it is about. */
type Scenario = (world: World) => Promise<string>;

async function ended(call: { invocationId: string; answer: Promise<unknown> }): Promise<string> {
  await call.answer;
  return call.invocationId;
}

/** The one that a rollout called for a sentinel, once it has ended. */
async function childFor(world: World, handler: string, key: string): Promise<string> {
  return eventually(async () => {
    const [child] = await world.engine.listInvocations({ handler, key, statuses: ["succeeded"], limit: 1 });
    return child?.invocationId ?? false;
  });
}

async function paused(world: World): Promise<string> {
  world.agent.behaviour = failingOn(NEW, "snt_01");
  return ended(await world.rollout({ wavePercentages: [30, 100] }));
}

/** In flight until it is cancelled. */
async function cancelled(world: World): Promise<string> {
  world.agent.behaviour = silentOn(NEW, "snt_03");
  const rollout = await world.rollout({ wavePercentages: [30, 100] });
  await world.inFlight("snt_03");
  await ended(await world.cancel());
  const id = await ended(rollout);
  await world.agent.report(await world.deploying("snt_03"), { runningImage: NEW });
  await childFor(world, "DeployTarget", "snt_03");
  return id;
}

/** Every handler of the domain, in each way that it may go. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "rollout-completed": async (world) => ended(await world.rollout({ wavePercentages: [30, 100] })),
  "rollout-paused": paused,
  "rollout-cancelled": cancelled,
  async "rollout-without-targets"(world) {
    await world.rows("delete from sentinels");
    return ended(await world.rollout());
  },
  async "resume-completed"(world) {
    await paused(world);
    return ended(await world.resume());
  },
  async "rollback-of-paused"(world) {
    world.agent.behaviour = failingOn(NEW, "snt_02");
    await ended(await world.rollout({ wavePercentages: [70, 100] }));
    return ended(await world.rollbackAll());
  },
  async "deploy-target-ready"(world) {
    await ended(await world.rollout({ wavePercentages: [100] }));
    return childFor(world, "DeployTarget", "snt_01");
  },
  async "deploy-target-failed"(world) {
    await paused(world);
    return childFor(world, "DeployTarget", "snt_01");
  },
  async "deploy-target-of-cancelled"(world) {
    await cancelled(world);
    return childFor(world, "DeployTarget", "snt_03");
  },
  async "revert-target-reverted"(world) {
    await cancelled(world);
    await ended(await world.rollbackAll());
    return childFor(world, "RevertTarget", "snt_01");
  },
  "deploy-ready": async (world) => ended(await world.deploy("snt_01", { image: NEW })),
  async "deploy-failed"(world) {
    world.agent.behaviour = failingOn(NEW, "snt_01");
    return ended(await world.deploy("snt_01", { image: NEW }));
  },
  async "deploy-timed-out"(world) {
    world.agent.behaviour = silent;
    return ended(await world.deploy("snt_01", { image: NEW }));
  },
  async "notify-ready"(world) {
    return ended(await world.notifyReady("snt_01"));
  },
  async cancel(world) {
    await paused(world);
    return ended(await world.cancel());
  },
};

/** Quick where a deploy is to run out of time; otherwise nothing may. */
export function worldOf(scenario: string): Promise<World> {
  return World.create({ sentinels: 3, deployTimeoutMs: scenario.endsWith("timed-out") ? 50 : 600_000 });
}
