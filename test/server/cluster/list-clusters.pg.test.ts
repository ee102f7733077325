import { Code, ConnectError } from "@connectrpc/connect";
import { beforeEach, expect, test } from "vitest";
import type { Cluster } from "../../../src/gen/hydra/v1/cluster_pb.ts";
import { createDatabase } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { type DomainServer, startDomainServer } from "../domain-server.ts";

refuseLeaks();

let server: DomainServer;

beforeEach(async () => {
  const database = await createDatabase();
  server = await startDomainServer(database.url, { heartbeatMs: 20, noteMs: 20 });
  return async () => {
    await server[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  };
});

function agent(instance: string, regionId = "eu") {
  return { regionId, clusterUid: `uid-${regionId}`, version: "1.2.3", instance };
}

/** An agent that follows until it is told to leave. */
function follow(instance: string) {
  const leaving = new AbortController();
  const ended = (async () => {
    const request = { agent: agent(instance), cursor: 0n };
    for await (const _ of server.clusters.watchDesiredState(request, { signal: leaving.signal }));
  })().catch((error: unknown) => ConnectError.from(error));
  return async () => {
    leaving.abort();
    await ended;
  };
}

async function insertSentinels(regionId: string, columns: string, ...rows: string[]): Promise<void> {
  const values = rows.map((row, i) => `('${regionId}-${i}', '${regionId}', 'ns', 'n${i}', 'image', ${row})`);
  await server.pool.query(
    `insert into sentinels (id, region_id, k8s_namespace, k8s_name, image, ${columns}) values ${values.join(", ")}`,
  );
}

async function allClusters(pageSize = 0): Promise<Cluster[]> {
  const clusters: Cluster[] = [];
  let pageToken = "";
  do {
    const page = await server.clusters.listClusters({ pageSize, pageToken });
    clusters.push(...page.clusters);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return clusters;
}

test("regions that only sentinels name, that only agents name, or both: each is there once, with its counts", async () => {
  await insertSentinels(
    "both",
    "deploy_status, drift",
    "'ready', ''",
    "'ready', 'image is x'",
    "'failed', ''",
    "'progressing', ''",
    "'idle', ''",
  );
  await insertSentinels("fleet", "deploy_status", "'idle'");
  for (const regionId of ["agents", "both"]) {
    await server.clusters.reportObservedState({ agent: agent("pod-a", regionId), sentinels: [] });
  }
  const clusters = await allClusters();
  expect(clusters).toMatchObject([
    { regionId: "agents", clusterUid: "uid-agents", sentinels: 0, agents: [{ instance: "pod-a", version: "1.2.3" }] },
    {
      regionId: "both",
      clusterUid: "uid-both",
      sentinels: 5,
      ready: 2,
      failed: 1,
      progressing: 1,
      idle: 1,
      drifted: 1,
    },
    { regionId: "fleet", clusterUid: "", sentinels: 1, idle: 1, agents: [] },
  ]);
  expect(clusters.map(({ lastSeenAt }) => lastSeenAt !== undefined)).toEqual([true, true, false]);
});

test("pages: of whatever size, they add up to all regions in the order of their ids", async () => {
  const ids = Array.from({ length: 25 }, (_, i) => `r${String(i).padStart(2, "0")}`);
  for (const [i, id] of ids.entries()) {
    if (i % 2 === 0) await insertSentinels(id, "deploy_status", "'idle'", "'idle'");
    else await server.pool.query("insert into regions (region_id, cluster_uid) values ($1, 'uid')", [id]);
  }
  for (const size of [1, 7, 25, 1_000]) expect((await allClusters(size)).map(({ regionId }) => regionId)).toEqual(ids);
});

test("a page size or token that cannot be: refused", async () => {
  for (const request of [{ pageSize: -1 }, { pageSize: 1_001 }, { pageToken: "x" }]) {
    const refused = server.clusters.listClusters(request).catch((error: unknown) => error);
    expect(await refused).toMatchObject({ code: Code.InvalidArgument });
  }
});

test("several agents of one region come, lag behind, and one leaves: told one by one", async () => {
  const leave = [follow("pod-a"), follow("pod-b")];
  const agents = async () => (await allClusters())[0]?.agents.toSorted((a, b) => (a.instance < b.instance ? -1 : 1));
  await eventually(async () => {
    expect(await agents()).toMatchObject([
      { instance: "pod-a", version: "1.2.3", connected: true, lag: 0n },
      { instance: "pod-b", version: "1.2.3", connected: true, lag: 0n },
    ]);
  });
  const [{ connectedAt } = {}] = (await agents()) ?? [];
  expect(connectedAt).toBeDefined();
  await leave[0]?.();
  await eventually(async () => expect(await agents()).toMatchObject([{ connected: false }, { connected: true }]));
  // The stream is noted again and again, and stays the one that was opened then.
  expect((await agents())?.[0]?.connectedAt).toEqual(connectedAt);
  await leave[1]?.();
  await eventually(async () => expect(await agents()).toMatchObject([{ connected: false }, { connected: false }]));
});

test("a region that is another cluster's by now: its agent's stream ends with a refusal", async () => {
  const request = { agent: agent("pod-a"), cursor: 0n };
  const following = (async () => {
    for await (const _ of server.clusters.watchDesiredState(request));
  })().catch((error: unknown) => ConnectError.from(error));
  await eventually(async () => expect((await allClusters())[0]?.agents).toMatchObject([{ connected: true }]));
  await server.pool.query("update regions set cluster_uid = 'another'");
  expect(await following).toMatchObject({ code: Code.FailedPrecondition });
});

test.each(["a\nb", "x".repeat(254)])("an instance that cannot be noted, %j: refused", async (instance) => {
  const refused = server.clusters.reportObservedState({ agent: agent(instance) }).catch((error: unknown) => error);
  expect(await refused).toMatchObject({ code: Code.InvalidArgument });
});
