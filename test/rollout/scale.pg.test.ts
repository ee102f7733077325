import { test } from "vitest";
import { World } from "./world.ts";
import { silent } from "./test-agent.ts";
import { upsertSentinels } from "../../src/rollout/index.ts";
test("scale", async () => {
  for (const n of [1000, 1000, 10000]) {
  await using world = await World.create({ sentinels: n });
  const t = performance.now();
  const { answer } = await world.rollout({ wavePercentages: [100] });
  await answer;
  const ms = performance.now() - t;
  console.log(n, Math.round(ms), "ms", Math.round(n / ms * 1000), "/s batches", world.engine.stats().batches);
  }
}, 120000);
test("cancel in 10000", async () => {
  await using world = await World.create({ sentinels: 10000 });
  world.agent.behaviour = silent;
  const { answer } = await world.rollout({ wavePercentages: [100] });
  await world.inFlight("snt_00500");
  const t = performance.now();
  await (await world.cancel()).answer;
  console.log("cancel", performance.now() - t);
  await answer;
  console.log("driver ended", performance.now() - t);
}, 120000);
test("import", async () => {
  await using world = await World.create({ sentinels: 0 });
  const rows = Array.from({ length: 100_000 }, (_, i) => ({ request: "1", sentinelId: `s${i}`, workspaceId: null, projectId: null, environmentId: null, regionId: "eu", k8sNamespace: "d", k8sName: `s${i}`, image: "a:1", desiredState: null, desiredReplicas: null, cpuMillicores: null, memoryMib: null }));
  for (const image of ["a:1", "a:2", "a:2"]) {
  const t = performance.now();
  const r = await world.engine.executeMany(upsertSentinels, rows.map((x) => ({ ...x, image })));
  console.log("import", performance.now() - t, r[0], r.at(-1));
  }
  const t = performance.now();
  await world.rows("update sentinels set running_image = image");
  world.agent.behaviour = silent;
  const c = await world.rollout({image: "a:3"});
  console.log("rollout accepted of 100k", performance.now() - t);
  await world.inFlight("s0");
  console.log("first wave under way", performance.now() - t);
  await (await world.cancel()).answer;
  await c.answer;
}, 120000);
