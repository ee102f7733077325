import { create } from "@bufbuild/protobuf";
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { type Cluster, ClusterSchema } from "../../src/gen/hydra/v1/cluster_pb.ts";
import { SentinelDeployStatus, SentinelSchema } from "../../src/gen/hydra/v1/sentinel_pb.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { hydra } from "./hydra-in-process.ts";
import { at } from "./recorded-fleet.ts";
import { startScriptedServer } from "./scripted-server.ts";

refuseLeaks();

const clusters: Cluster[] = [
  create(ClusterSchema, {
    regionId: "eu-west-1",
    clusterUid: "0b6c1d6e-6a8e-4f0c-9d4e-111111111111",
    agents: [
      { instance: "hydra-agent-b", version: "1.3.0", connected: true, lag: 12n, lastSeenAt: at(31) },
      { instance: "hydra-agent-a", version: "1.2.0", connected: true, lastSeenAt: at(31) },
      { instance: "hydra-agent-0", version: "1.1.0", connected: false, lag: 900n, lastSeenAt: at(2) },
    ],
    lastSeenAt: at(31),
    sentinels: 400,
    progressing: 20,
    ready: 300,
    failed: 3,
    idle: 77,
    drifted: 2,
  }),
  create(ClusterSchema, {
    regionId: "us\u001b[2J",
    clusterUid: "0b6c1d6e-6a8e-4f0c-9d4e-222222222222",
    agents: [{ instance: "", version: "1.2.0", connected: false, lastSeenAt: at(2) }],
    lastSeenAt: at(2),
    sentinels: 1,
    ready: 1,
  }),
  create(ClusterSchema, { regionId: "zz-never", sentinels: 1_200, idle: 1_200 }),
  create(ClusterSchema, { regionId: "zz-nobody", clusterUid: "uid", agents: [] }),
];

function server(all: readonly Cluster[] = clusters, pageSize = 2) {
  return startScriptedServer({
    events: [],
    cluster: {
      listClusters({ pageToken }) {
        const from = Number(pageToken || 0);
        const to = from + pageSize;
        return { clusters: all.slice(from, to), nextPageToken: to < all.length ? `${to}` : "" };
      },
    },
  });
}

describe("hydra clusters", () => {
  test("in a pipe: a region a line, agents that are connected counted, the lag of the one furthest behind", async () => {
    await using scripted = await server();
    const { exitCode, printed } = await hydra(scripted.url, ["clusters"]);
    expect(exitCode).toBe(0);
    expect(printed.map((line) => line.split("\t").slice(0, 11))).toEqual([
      ["eu-west-1", "2", "1.3.0, 1.2.0", "2026-11-24 12:31:05", "12", "400", "300", "20", "3", "77", "2"],
      ["us [2J", "none", "", "2026-11-24 12:02:05", "", "1", "1", "0", "0", "0", "0"],
      ["zz-never", "none", "", "never", "", "1200", "0", "0", "0", "1200", "0"],
      ["zz-nobody", "none", "", "never", "", "0", "0", "0", "0", "0", "0"],
    ]);
  });

  test.each([60, 100, 200])(
    "on a terminal of %i columns: a table that fits, region, agents and sentinels always there",
    async (columns) => {
      await using scripted = await server(clusters, 10);
      const { printed } = await hydra(scripted.url, ["clusters"], { columns });
      expect(Math.max(...printed.map((line) => stringWidth(line)))).toBeLessThanOrEqual(columns);
      expect(printed[0]).toMatch(/^REGION +AGENTS.* SENTINELS/);
      expect(printed[3]).toMatch(/^zz-never +none.* 1200/);
    },
  );

  test("--json: everything, agents that have left included; --limit: no more than that", async () => {
    await using scripted = await server();
    const { printed } = await hydra(scripted.url, ["clusters", "--json", "--limit", "1"]);
    expect(printed).toHaveLength(1);
    expect(JSON.parse(printed[0] ?? "")).toMatchObject({ regionId: "eu-west-1", drifted: 2 });
    expect((JSON.parse(printed[0] ?? "") as { agents: unknown[] }).agents).toHaveLength(3);
  });

  test("there is none: says so on a terminal", async () => {
    await using scripted = await server([]);
    expect((await hydra(scripted.url, ["clusters"], { columns: 80 })).printed.join()).toMatch(/no clusters yet/);
    expect((await hydra(scripted.url, ["clusters"])).printed).toEqual([]);
  });
});

describe("hydra status", () => {
  const without = (printed: readonly string[]) => printed.filter((line) => line.includes("agent"));

  test("regions that have sentinels and no agent: named, with when one was seen last", async () => {
    await using scripted = await server(clusters, 10);
    const { exitCode, printed } = await hydra(scripted.url, ["status"], { columns: 120 });
    expect(exitCode).toBe(0);
    expect(without(printed)).toEqual([
      "no agent connected for region us [2J (1 sentinel), last seen 2026-11-24 12:02:05",
      "no agent connected for region zz-never (1,200 sentinels), never seen",
    ]);
  });

  test("more of them than are named: the rest is counted", async () => {
    const many = Array.from({ length: 5 }, (_, i) => create(ClusterSchema, { regionId: `r${i}`, sentinels: 1 }));
    await using scripted = await server(many, 10);
    const { printed } = await hydra(scripted.url, ["status"]);
    expect(without(printed)).toHaveLength(4);
    expect(printed.at(-1)).toBe("2 more regions without an agent: hydra clusters lists them");
  });

  test("agents everywhere, or a server that cannot say: not a word; --json: the rollout alone", async () => {
    await using fine = await server(clusters.slice(0, 1));
    expect(without((await hydra(fine.url, ["status"])).printed)).toEqual([]);
    await using old = await startScriptedServer({ events: [] });
    expect(without((await hydra(old.url, ["status"])).printed)).toEqual([]);
    await using scripted = await server();
    expect((await hydra(scripted.url, ["status", "--json"])).printed).toHaveLength(1);
  });
});

test("hydra sentinels get: shows what a deploy waits for, what drifted, and whose fields were taken over", async () => {
  const sentinel = create(SentinelSchema, {
    id: "snt_1",
    deployStatus: SentinelDeployStatus.PROGRESSING,
    deployProgress: "1 of 2 pods updated",
    drift: "replicas is 5, not 2",
    takenFrom: "image from kubectl-edit",
  });
  await using scripted = await startScriptedServer({ events: [], sentinels: { getSentinel: () => ({ sentinel }) } });
  const { printed } = await hydra(scripted.url, ["sentinels", "get", "snt_1"]);
  expect(printed).toEqual(
    expect.arrayContaining([
      "deploy_progress\t1 of 2 pods updated",
      "drift\treplicas is 5, not 2",
      "taken_from\timage from kubectl-edit",
    ]),
  );
});
