import { beforeAll, describe, expect, test } from "vitest";
import { leaveAgent, touchRegion, type TouchRegionRow } from "../../src/rollout/index.ts";
import { trimAgents } from "../../src/rollout/effects/trim-agents.ts";
import { readClusters } from "../../src/rollout/reading/index.ts";
import { World } from "./world.ts";

const NOTHING = { agentVersion: "1", instance: "pod-a", stream: "", begins: false, toldUpTo: null };

let world: World;

beforeAll(async () => {
  world = await World.create({ sentinels: 0 });
  return () => world[Symbol.asyncDispose]();
});

function touch(regionId: string, row: Partial<TouchRegionRow> = {}) {
  return world.engine.execute(touchRegion, { regionId, clusterUid: "uid", ...NOTHING, ...row });
}

async function agentOf(regionId: string) {
  const [row] = await world.rows<Record<string, unknown>>(
    `select instance, version, stream, connected_at, told_up_to::int, left_at is not null as has_left from agents where region_id = $1`,
    [regionId],
  );
  return row;
}

async function clusterOf(regionId: string) {
  const [cluster] = await readClusters(world.pool, { after: "", limit: 1_000 }).then((clusters) =>
    clusters.filter((each) => each.regionId === regionId),
  );
  return cluster;
}

describe("touchRegion", () => {
  test("the first agent says which cluster a region is; one of another cluster is told so and changes nothing", async () => {
    expect(await touch("eu", { clusterUid: "one" })).toEqual({ clusterUid: "one" });
    expect(await touch("eu", { clusterUid: "two", agentVersion: "2", instance: "stranger" })).toEqual({
      clusterUid: "one",
    });
    expect(await touch("eu", { clusterUid: "one", agentVersion: "1.1" })).toEqual({ clusterUid: "one" });
    expect(await world.rows("select cluster_uid, agent_version from regions where region_id = 'eu'")).toEqual([
      { cluster_uid: "one", agent_version: "1.1" },
    ]);
    expect(await world.rows("select instance, version from agents where region_id = 'eu'")).toEqual([
      { instance: "pod-a", version: "1.1" },
    ]);
  });

  test("many agents at once, of several regions: each is told its own, and all are noted", async () => {
    const rows = Array.from({ length: 30 }, (_, i) => ({ region: `many${i % 3}`, instance: `pod-${i}` }));
    const told = await Promise.all(rows.map(({ region, instance }) => touch(region, { clusterUid: region, instance })));
    expect(told.map((result) => result?.clusterUid)).toEqual(rows.map(({ region }) => region));
    expect(await world.rows("select 1 from agents where region_id like 'many%'")).toHaveLength(30);
  });

  test("a stream that begins, tells how far it is, and ends: so it is noted", async () => {
    await touch("course", { stream: "s1", begins: true });
    expect(await agentOf("course")).toMatchObject({ stream: "s1", told_up_to: null, has_left: false });
    await touch("course", { stream: "s1", toldUpTo: 7 });
    await touch("course", {});
    expect(await agentOf("course")).toMatchObject({ told_up_to: 7, has_left: false });
    await world.engine.execute(leaveAgent, { regionId: "course", instance: "pod-a", stream: "s1" });
    expect(await agentOf("course")).toMatchObject({ has_left: true });
    // What was on its way when it ended.
    await touch("course", { stream: "s1", toldUpTo: 8 });
    expect(await agentOf("course")).toMatchObject({ has_left: true });
    expect((await clusterOf("course"))?.agents).toMatchObject([{ instance: "pod-a", connected: false }]);
  });

  test("an agent that has opened another stream: what is said of the older one, its end included, changes nothing", async () => {
    await touch("again", { stream: "s1", begins: true });
    await touch("again", { stream: "s2", begins: true, toldUpTo: 20 });
    const before = await agentOf("again");
    await touch("again", { stream: "s1", toldUpTo: 3 });
    expect(await world.engine.execute(leaveAgent, { regionId: "again", instance: "pod-a", stream: "s1" })).toBeNull();
    expect(await agentOf("again")).toEqual(before);
  });

  test("two agents without a name, and one of them leaves: the other one is still connected", async () => {
    await touch("nameless", { instance: "", stream: "s1", begins: true });
    await touch("nameless", { instance: "", stream: "s2", begins: true });
    await world.engine.execute(leaveAgent, { regionId: "nameless", instance: "", stream: "s2" });
    await touch("nameless", { instance: "", stream: "s1", toldUpTo: 4 });
    expect(await agentOf("nameless")).toMatchObject({ stream: "s1", told_up_to: 4, has_left: false });
  });
});

describe("readClusters", () => {
  test("changes of the region that the stream has not come to: its lag, as of when it told; within a full sync there is none", async () => {
    await world.rows(
      `insert into desired_changes (version, region_id, sentinel_id, created_at)
       select n, case n % 2 when 0 then 'lagging' else 'elsewhere' end, 'snt', now() - interval '1 second' from generate_series(100, 119) as n`,
    );
    await touch("lagging", { stream: "s1", begins: true });
    expect((await clusterOf("lagging"))?.agents[0]?.lag).toBeUndefined();
    await touch("lagging", { stream: "s1", toldUpTo: 109 });
    expect((await clusterOf("lagging"))?.agents[0]?.lag).toBe(5n);
    // It may have been told of this one by now: nobody has said.
    await world.rows(
      "insert into desired_changes (version, region_id, sentinel_id, created_at) values (120, 'lagging', 'snt', now() + interval '1 second')",
    );
    expect((await clusterOf("lagging"))?.agents[0]?.lag).toBe(5n);
  });

  test("an agent that was silent for a minute: not connected; for a day: not told of, and forgotten", async () => {
    for (const instance of ["here", "silent", "gone"])
      await touch("silence", { instance, stream: instance, begins: true });
    await world.rows(
      `update agents set last_seen_at = now() - case instance when 'silent' then interval '61 seconds' when 'gone' then interval '25 hours' else '0' end
        where region_id = 'silence'`,
    );
    expect((await clusterOf("silence"))?.agents).toMatchObject([
      { instance: "here", connected: true },
      { instance: "silent", connected: false },
    ]);
    expect(await world.engine.execute(trimAgents, { keepMs: 24 * 60 * 60 * 1_000 })).toEqual({ deleted: 1 });
    expect(await world.rows("select instance from agents where region_id = 'silence' order by instance")).toEqual([
      { instance: "here" },
      { instance: "silent" },
    ]);
  });

  test("more agents than are told of: the hundred that were seen last", async () => {
    await touch("crowd");
    await world.rows(
      `insert into agents (region_id, instance, version, last_seen_at)
       select 'crowd', 'pod-' || n, '1', now() - n * interval '1 minute' from generate_series(1, 150) as n`,
    );
    const agents = (await clusterOf("crowd"))?.agents ?? [];
    expect(agents).toHaveLength(100);
    expect(agents.at(-1)?.instance).toBe("pod-99");
  });
});
