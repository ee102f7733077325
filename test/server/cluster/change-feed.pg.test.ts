import { Code } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { WatchDesiredStateResponse } from "../../../src/gen/hydra/v1/cluster_pb.ts";
import { createDatabase, type TestDatabase } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { type DomainServer, startDomainServer } from "../domain-server.ts";

refuseLeaks();

const REGIONS = ["r1", "r2", "r3", "r4", "r5"];

let database: TestDatabase;
let server: DomainServer;

beforeAll(async () => {
  database = await createDatabase();
  server = await startDomainServer(database.url);
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

beforeEach(async () => {
  await server.sentinels.importSentinels(messagesFor(["v1"]));
});

afterEach(() => {
  vi.restoreAllMocks();
});

async function* messagesFor(images: readonly string[]) {
  const image = `acme/sentinel:${images.join("-")}`;
  const sentinels = REGIONS.map((regionId) => ({
    id: `snt-${regionId}`,
    regionId,
    k8sNamespace: "sentinels",
    k8sName: `snt-${regionId}`,
    image,
  }));
  yield { sentinels };
}

/** An agent that follows its region and has caught up with it. */
class Follower {
  readonly images: string[] = [];
  messages = 0;
  readonly #stop = new AbortController();
  /** Rejects where the server ends the stream. */
  ended: Promise<void> = Promise.resolve();

  static async start(regionId: string): Promise<Follower> {
    const follower = new Follower();
    const { promise, resolve } = Promise.withResolvers<void>();
    follower.ended = follower.#follow(regionId, resolve);
    await promise;
    return follower;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }

  async #follow(regionId: string, onCaughtUp: () => void): Promise<void> {
    const { signal } = this.#stop;
    const agent = { regionId, clusterUid: `uid-${regionId}`, version: "1" };
    try {
      for await (const message of server.clusters.watchDesiredState({ agent }, { signal })) {
        this.#take(message);
        if (message.sentinels.length === 0) onCaughtUp();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #take({ sentinels, fullSync }: WatchDesiredStateResponse): void {
    if (fullSync) return;
    this.messages += 1;
    this.images.push(...sentinels.map(({ image }) => image));
  }
}

async function withFollowers(run: (followers: readonly Follower[]) => Promise<void>): Promise<void> {
  const followers = await Promise.all(REGIONS.map((regionId) => Follower.start(regionId)));
  try {
    await run(followers);
  } finally {
    await Promise.all(followers.map((follower) => follower.stop()));
  }
}

/** How often changes have been read since. */
function countReadings(): () => number {
  const query = vi.spyOn(server.pool, "query");
  return () => query.mock.calls.filter(([config]) => JSON.stringify(config).includes("desired_changes")).length;
}

function failReadings(count: number): void {
  const { pool } = server;
  const query = pool.query.bind(pool) as (...given: unknown[]) => unknown;
  let failures = count;
  vi.spyOn(pool, "query").mockImplementation((...given: unknown[]) => {
    const fails = JSON.stringify(given[0]).includes("desired_changes") && failures-- > 0;
    return fails ? Promise.reject(new Error("connection lost")) : query(...given);
  });
}

test("a change of every region in one commit: read once for all agents that follow", async () => {
  await withFollowers(async (followers) => {
    const readings = countReadings();
    await server.sentinels.importSentinels(messagesFor(["v2"]));
    await eventually(() => {
      for (const { images } of followers) expect(images).toEqual(["acme/sentinel:v2"]);
    });
    expect(readings()).toBe(1);
  });
});

test("changes of one region: agents of the others are told nothing", async () => {
  await withFollowers(async ([first, ...others]) => {
    const before = others.map(({ messages }) => messages);
    for (const image of ["a", "b", "c"]) {
      await server.sentinels.upsertSentinel({ sentinel: { id: "snt-r1", image: `acme/sentinel:${image}` } });
    }
    await eventually(() => expect(first?.images.at(-1)).toBe("acme/sentinel:c"));
    expect(others.map(({ messages }) => messages)).toEqual(before);
  });
});

test("no notification tells of a change: found by the poll", async () => {
  await withFollowers(async ([first]) => {
    await server.pool.query(`
      with moved as (update rollout_log set change_version = change_version + 1 returning change_version),
           changed as (update sentinels set image = 'acme/sentinel:quiet' where id = 'snt-r1')
      insert into desired_changes (version, region_id, sentinel_id) select change_version, 'r1', 'snt-r1' from moved`);
    await eventually(() => expect(first?.images).toEqual(["acme/sentinel:quiet"]));
  });
});

test("a reading fails: each agent's stream reads by itself, and nothing is missed", async () => {
  await withFollowers(async (followers) => {
    failReadings(1);
    await server.sentinels.importSentinels(messagesFor(["after", "failure"]));
    await eventually(() => {
      for (const { images } of followers) expect(images).toEqual(["acme/sentinel:after-failure"]);
    });
  });
});

test("no reading works: the streams end with `unavailable`, for agents to connect again", async () => {
  const follower = await Follower.start("r1");
  failReadings(Number.POSITIVE_INFINITY);
  const [ending] = await Promise.allSettled([
    follower.ended,
    server.sentinels.importSentinels(messagesFor(["unread"])),
  ]);
  expect(ending).toMatchObject({ status: "rejected", reason: { code: Code.Unavailable } });
});

test("an agent takes nothing while more changes come than are kept for it: it gets them later", async () => {
  const agent = { regionId: "r1", clusterUid: "uid-r1", version: "1" };
  const stop = new AbortController();
  const stream = server.clusters.watchDesiredState({ agent }, { signal: stop.signal });
  const known = new Set<string>();
  for await (const { sentinels } of stream) {
    for (const { sentinelId } of sentinels) known.add(sentinelId);
    if (known.size === 1)
      for (let part = 0; part < 5; part++) await server.sentinels.importSentinels(manyMessages(part));
    if (known.size === 1 + 5 * 500) break;
  }
  stop.abort();
  expect([...known].filter((id) => id.startsWith("many-"))).toHaveLength(5 * 500);
});

async function* manyMessages(part: number) {
  const sentinels = Array.from({ length: 500 }, (_, index) => ({
    id: `many-${part}-${index}`,
    regionId: "r1",
    k8sNamespace: "sentinels",
    k8sName: `many-${part}-${index}`,
    image: "acme/sentinel:v1",
  }));
  yield { sentinels };
}
