import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeEach, expect, test } from "vitest";
import type { DesiredSentinel, WatchDesiredStateResponse } from "../../../src/gen/hydra/v1/cluster_pb.ts";
import { SentinelDesiredState, SentinelHealth } from "../../../src/gen/hydra/v1/sentinel_pb.ts";
import { createDatabase, type TestDatabase } from "../../support/database.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { type DomainServer, startDomainServer } from "../domain-server.ts";

refuseLeaks();

let database: TestDatabase;
let server: DomainServer;

async function close(): Promise<void> {
  await server?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
}

async function startAnew(heartbeatMs = 60_000): Promise<void> {
  await close();
  database = await createDatabase();
  server = await startDomainServer(database.url, { heartbeatMs });
}

beforeEach(() => startAnew());
afterAll(close);

function agent(regionId = "eu", clusterUid = `uid-${regionId}`) {
  return { regionId, clusterUid, version: "1" };
}

function spec(id: string, regionId = "eu", k8sName = id) {
  return { id, regionId, k8sNamespace: "sentinels", k8sName, image: "acme/sentinel:v1" };
}

async function importMany(prefix: string, count: number, regionId = "eu"): Promise<void> {
  async function* messages() {
    for (let i = 0; i < count; i += 1_000) {
      const size = Math.min(1_000, count - i);
      yield {
        sentinels: Array.from({ length: size }, (_, k) => spec(`${prefix}${String(i + k).padStart(5, "0")}`, regionId)),
      };
    }
  }
  await server.sentinels.importSentinels(messages());
}

/** What an agent knows: applies messages as one does, and remembers where it was. */
class Knowledge {
  readonly sentinels = new Map<string, DesiredSentinel>();
  cursor = 0n;
  #synced = new Set<string>();

  take(message: WatchDesiredStateResponse): void {
    for (const sentinel of message.sentinels) {
      const known = this.sentinels.get(sentinel.sentinelId);
      if (!sentinel.deleted) this.sentinels.set(sentinel.sentinelId, sentinel);
      else if (known?.k8sName === sentinel.k8sName) this.sentinels.delete(sentinel.sentinelId);
      if (message.fullSync) this.#synced.add(sentinel.sentinelId);
    }
    if (message.fullSyncEnd) {
      for (const id of this.sentinels.keys()) if (!this.#synced.has(id)) this.sentinels.delete(id);
      this.#synced = new Set();
    }
    this.cursor = message.cursor;
  }
}

/** Streams into `knowledge` from its cursor until the condition holds after a message. */
async function follow(knowledge: Knowledge, until: (message: WatchDesiredStateResponse) => boolean, regionId = "eu") {
  const messages: WatchDesiredStateResponse[] = [];
  const stream = server.clusters.watchDesiredState({ agent: agent(regionId), cursor: knowledge.cursor });
  for await (const message of stream) {
    messages.push(message);
    knowledge.take(message);
    if (until(message)) break;
  }
  return messages;
}

async function refusal(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

function idle(message: WatchDesiredStateResponse): boolean {
  return message.sentinels.length === 0 && !message.fullSync;
}

test("cursor 0: the whole region in pages, with the end marked, and no other region", async () => {
  await importMany("snt-", 1_200);
  await importMany("other-", 3, "us");
  const knowledge = new Knowledge();
  const messages = await follow(knowledge, ({ fullSyncEnd }) => fullSyncEnd);
  expect(messages.map(({ sentinels }) => sentinels.length)).toEqual([500, 500, 200]);
  expect(messages.map(({ fullSync, fullSyncEnd, cursor }) => [fullSync, fullSyncEnd, cursor > 0n])).toEqual([
    [true, false, false],
    [true, false, false],
    [true, true, true],
  ]);
  expect(knowledge.sentinels.size).toBe(1_200);
  expect(knowledge.sentinels.get("snt-00007")).toMatchObject({
    k8sNamespace: "sentinels",
    k8sName: "snt-00007",
    desiredState: SentinelDesiredState.RUNNING,
    image: "acme/sentinel:v1",
    desiredReplicas: 1,
    generation: 1n,
    deployNumber: 0n,
    deleted: false,
  });
});

test("an empty region: the end of the full sync comes at once", async () => {
  const messages = await follow(new Knowledge(), ({ fullSyncEnd }) => fullSyncEnd);
  expect(messages).toHaveLength(1);
  expect(messages[0]?.sentinels).toEqual([]);
});

test("changes after a cursor: only the sentinels that changed, as they are now", async () => {
  await importMany("snt-", 10);
  const knowledge = new Knowledge();
  await follow(knowledge, ({ fullSyncEnd }) => fullSyncEnd);
  for (const image of ["acme/sentinel:v2", "acme/sentinel:v3"]) {
    await server.sentinels.upsertSentinel({ sentinel: { id: "snt-00003", image } });
  }
  await importMany("other-", 1, "us");
  const [first] = await follow(knowledge, () => true);
  expect(first?.sentinels).toHaveLength(1);
  expect(first?.sentinels[0]).toMatchObject({ sentinelId: "snt-00003", image: "acme/sentinel:v3", generation: 3n });
  // What concerns other regions moves the cursor, too: it does not grow stale.
  expect(knowledge.cursor).toBe(13n);
});

test("a sentinel that is deleted, one that moves to another region, one that moves within its own: their places are told", async () => {
  await importMany("snt-", 3);
  const [eu, us] = [new Knowledge(), new Knowledge()];
  await follow(eu, ({ fullSyncEnd }) => fullSyncEnd);
  await follow(us, ({ fullSyncEnd }) => fullSyncEnd, "us");
  await server.sentinels.deleteSentinel({ sentinelId: "snt-00000" });
  await server.sentinels.upsertSentinel({ sentinel: { id: "snt-00001", regionId: "us" } });
  await server.sentinels.upsertSentinel({ sentinel: { id: "snt-00002", k8sName: "renamed" } });
  const [changes] = await follow(eu, ({ sentinels }) => sentinels.length > 0);
  expect(changes?.sentinels.filter(({ deleted }) => deleted).map(({ k8sName }) => k8sName)).toEqual([
    "snt-00000",
    "snt-00001",
    "snt-00002",
  ]);
  expect([...eu.sentinels.values()].map(({ k8sName }) => k8sName)).toEqual(["renamed"]);
  await follow(us, ({ sentinels }) => sentinels.length > 0, "us");
  expect([...us.sentinels.keys()]).toEqual(["snt-00001"]);
});

test("an agent that is cut again and again while the fleet changes: it ends up knowing what the table has", async () => {
  await startAnew(20);
  await importMany("snt-", 700);
  const knowledge = new Knowledge();
  const editing = (async () => {
    for (let i = 0; i < 200; i++) {
      const id = `snt-${String((i * 37) % 700).padStart(5, "0")}`;
      if (i % 10 === 9) await server.sentinels.deleteSentinel({ sentinelId: id }).catch(() => {});
      await server.sentinels.upsertSentinel({ sentinel: { ...spec(id), image: `acme/sentinel:v${i}` } });
    }
  })();
  const edits = { done: false };
  void editing.then(() => (edits.done = true));
  for (let i = 1; !edits.done; i++) {
    let left = 1 + (i % 3);
    await follow(knowledge, () => --left === 0 || edits.done);
  }
  await editing;
  await server.sentinels.upsertSentinel({ sentinel: spec("last") });
  await follow(knowledge, () => knowledge.sentinels.has("last"));
  const { rows } = await server.pool.query<{ id: string; image: string }>(
    "select id, image from sentinels order by id",
  );
  const known = [...knowledge.sentinels.values()].map(({ sentinelId: id, image }) => ({ id, image }));
  expect(known.sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual(rows);
});

test("two agents of one region at once: both get the change", async () => {
  const both = [new Knowledge(), new Knowledge()];
  const following = both.map((knowledge) => follow(knowledge, ({ sentinels }) => sentinels.length > 0));
  await server.sentinels.upsertSentinel({ sentinel: spec("snt-1") });
  await Promise.all(following);
  for (const { sentinels } of both) expect([...sentinels.keys()]).toEqual(["snt-1"]);
});

test.each([
  { cursor: "older than what is kept", at: 1n },
  { cursor: "of another database", at: 1_000_000n },
])("a cursor that is $cursor: a full sync", async ({ at }) => {
  await importMany("snt-", 5);
  await server.pool.query("update rollout_log set oldest_change_version = 3");
  await server.pool.query("delete from desired_changes where version <= 3");
  const knowledge = new Knowledge();
  knowledge.cursor = at;
  const [first] = await follow(knowledge, () => true);
  expect(first).toMatchObject({ fullSync: true, fullSyncEnd: true, cursor: 5n });
});

test("nothing changes: heartbeats that carry the cursor, the first one at once", async () => {
  await startAnew(20);
  await importMany("snt-", 1);
  const knowledge = new Knowledge();
  await follow(knowledge, ({ fullSyncEnd }) => fullSyncEnd);
  let beats = 0;
  await follow(knowledge, (message) => idle(message) && ++beats === 3);
  expect(knowledge.cursor).toBe(1n);
});

test("an agent of another cluster for the same region: refused, naming both", async () => {
  await follow(new Knowledge(), () => true);
  const other = agent("eu", "uid-other");
  const reported = await refusal(server.clusters.reportObservedState({ agent: other }));
  const watched = await refusal(
    (async () => {
      for await (const message of server.clusters.watchDesiredState({ agent: other })) return message;
      return undefined;
    })(),
  );
  for (const error of [reported, watched]) {
    expect(error.code).toBe(Code.FailedPrecondition);
    expect(error.rawMessage).toContain("uid-eu");
    expect(error.rawMessage).toContain("uid-other");
  }
});

test("a report: recorded once, of one sentinel the last counts, unknown ones are listed", async () => {
  await importMany("snt-", 2);
  await importMany("us-", 1, "us");
  const observed = (sentinelId: string, reportOrder: bigint, availableReplicas = 1) => ({
    sentinelId,
    reportOrder,
    availableReplicas,
    observedGeneration: 1n,
    deploymentUid: "deployment",
    health: SentinelHealth.HEALTHY,
    runningImage: "acme/sentinel:v1",
  });
  const sentinels = [
    observed("snt-00000", 1n, 5),
    observed("snt-00001", 2n),
    observed("us-00000", 1n),
    observed("nobody", 1n),
    observed("/", 1n),
    observed("snt-00000", 2n, 1),
  ];
  const answer = await server.clusters.reportObservedState({ agent: agent(), sentinels });
  expect(answer.recorded).toBe(2);
  expect(answer.unknownSentinelIds.toSorted()).toEqual(["/", "nobody", "us-00000"]);
  expect((await server.sentinels.getSentinel({ sentinelId: "snt-00000" })).sentinel).toMatchObject({
    health: SentinelHealth.HEALTHY,
    availableReplicas: 1,
    runningImage: "acme/sentinel:v1",
    observedGeneration: 1n,
  });
  const late = await server.clusters.reportObservedState({ agent: agent(), sentinels: [observed("snt-00000", 1n, 9)] });
  expect(late.recorded).toBe(0);
  const { rows } = await server.pool.query("select cluster_uid, agent_version from regions where region_id = 'eu'");
  expect(rows).toEqual([{ cluster_uid: "uid-eu", agent_version: "1" }]);
});

test.each([
  { what: "no agent", request: {} },
  { what: "no region", request: { agent: agent("", "uid") } },
  { what: "no cluster", request: { agent: agent("eu", "") } },
  { what: "a NUL in the region", request: { agent: agent("e\0u", "uid") } },
  { what: "a negative number", request: { agent: agent(), sentinels: [{ sentinelId: "a", availableReplicas: -1 }] } },
  {
    what: "too many sentinels",
    request: { agent: agent(), sentinels: Array.from({ length: 1_001 }, (_, i) => ({ sentinelId: `s${i}` })) },
  },
])("a report with $what: refused", async ({ request }) => {
  expect((await refusal(server.clusters.reportObservedState(request))).code).toBe(Code.InvalidArgument);
});

test("a negative cursor: refused", async () => {
  const watching = (async () => {
    for await (const message of server.clusters.watchDesiredState({ agent: agent(), cursor: -1n })) return message;
    return undefined;
  })();
  expect((await refusal(watching)).code).toBe(Code.InvalidArgument);
});
