import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeEach, expect, test } from "vitest";
import { followDesiredState } from "../../../src/agent/desired-stream.ts";
import type { DesiredSentinel } from "../../../src/gen/hydra/v1/cluster_pb.ts";
import { createDatabase, type TestDatabase } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { backUp } from "../../support/put-back.ts";
import { quietLog } from "../../support/quiet-log.ts";
import { type DomainServer, startDomainServer } from "../domain-server.ts";

refuseLeaks();

let database: TestDatabase;

beforeEach(async () => {
  await database?.[Symbol.asyncDispose]();
  database = await createDatabase();
  await using server = await startDomainServer(database.url);
  await want(server, { a: "v1", b: "v1", c: "v1" });
});
afterAll(() => database?.[Symbol.asyncDispose]());

/** Imports sentinels on these images. */
async function want({ sentinels }: DomainServer, images: Record<string, string>): Promise<void> {
  const place = (id: string) => ({ id, regionId: "eu", k8sNamespace: "sentinels", k8sName: id });
  const rows = Object.entries(images).map(([id, tag]) => ({ ...place(id), image: `acme/sentinel:${tag}` }));
  await sentinels.importSentinels(
    (async function* () {
      yield { sentinels: rows };
    })(),
  );
}

/** An agent that believes what it hears last, as one of a cluster without numbers of its own. */
class Agent {
  readonly images = new Map<string, string>();
  fullSyncs = 0;
  /** The server that it reaches next. */
  server: DomainServer;
  readonly #over = new AbortController();
  #connection = new AbortController();
  readonly #ended: Promise<void>;

  constructor(server: DomainServer) {
    this.server = server;
    const watch: DomainServer["clusters"]["watchDesiredState"] = (request, options) => {
      this.#connection = new AbortController();
      const signal = AbortSignal.any([this.#connection.signal, options!.signal!]);
      return this.server.clusters.watchDesiredState(request, { signal });
    };
    this.#ended = followDesiredState({
      client: { ...server.clusters, watchDesiredState: watch },
      agent: { regionId: "eu", clusterUid: "uid-eu", version: "1", instance: "one" },
      desired: this,
      log: quietLog,
      signal: this.#over.signal,
    });
  }

  apply(sentinels: readonly DesiredSentinel[]): void {
    for (const { sentinelId, image, deleted } of sentinels) {
      if (deleted) this.images.delete(sentinelId);
      else this.images.set(sentinelId, image.split(":")[1]!);
    }
  }

  keepOnly(ids: ReadonlySet<string>): void {
    this.fullSyncs += 1;
    for (const id of this.images.keys()) if (!ids.has(id)) this.images.delete(id);
  }

  /** Cuts its connection: it comes back with what it has. */
  cut(): void {
    this.#connection.abort();
  }

  async knows(images: Record<string, string>): Promise<void> {
    const isSame = () => isDeepStrictEqual(Object.fromEntries(this.images), images);
    await eventually(isSame, { timeoutMs: 60_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#ended;
  }
}

const LOST = { a: "lost", d: "lost" };

test("an agent that follows while the database is put back: a full sync, and it has what is desired now", async () => {
  await using backup = await backUp(database);
  await using server = await startDomainServer(database.url);
  await using agent = new Agent(server);
  await agent.knows({ a: "v1", b: "v1", c: "v1" });
  await want(server, LOST);
  await agent.knows({ a: "lost", b: "v1", c: "v1", d: "lost" });
  await backup.putBack();
  await agent.knows({ a: "v1", b: "v1", c: "v1" });
  await eventually(() => want(server, { b: "after" }), { timeoutMs: 60_000 });
  await agent.knows({ a: "v1", b: "after", c: "v1" });
});

test("an agent that comes back to a database that was put back and went further: a full sync", async () => {
  await using backup = await backUp(database);
  const before = await startDomainServer(database.url);
  await using agent = new Agent(before);
  await want(before, LOST);
  await agent.knows({ a: "lost", b: "v1", c: "v1", d: "lost" });
  await before[Symbol.asyncDispose]();
  await backup.putBack();
  await using after = await startDomainServer(database.url);
  for (const tag of ["1", "2", "3"]) await want(after, { b: tag, c: tag });
  agent.server = after;
  await agent.knows({ a: "v1", b: "3", c: "3" });
  expect(agent.fullSyncs).toBe(2);
});

test("a new epoch without a loss, as after a restart of Postgres: agents that follow or come back go on where they were", async () => {
  await using server = await startDomainServer(database.url);
  await using agent = new Agent(server);
  await agent.knows({ a: "v1", b: "v1", c: "v1" });
  for (const tag of ["1", "2"]) {
    await server.pool.query("update rollout_log set run = null");
    await want(server, { a: tag });
    await agent.knows({ a: tag, b: "v1", c: "v1" });
    agent.cut();
    await want(server, { b: tag });
    await agent.knows({ a: tag, b: tag, c: "v1" });
    await want(server, { b: "v1" });
    await agent.knows({ a: tag, b: "v1", c: "v1" });
  }
  expect(agent.fullSyncs).toBe(1);
});

test("a change that was lost, but heard of in a later page of a full sync: another full sync, though the cursor is older", async () => {
  const many = Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`s${1_000 + i}`, "v1"]));
  await using server = await startDomainServer(database.url);
  await want(server, many);
  await using backup = await backUp(database);
  const request = { agent: { regionId: "eu", clusterUid: "uid-eu", version: "1" } };
  await eventually(() => want(server, many), { timeoutMs: 60_000 });
  const stream = server.clusters.watchDesiredState(request)[Symbol.asyncIterator]();
  await stream.next();
  await want(server, { s1599: "lost" });
  const { cursor, epoch, fullSyncEnd } = (await stream.next()).value!;
  expect(fullSyncEnd).toBe(true);
  await stream.return?.();
  await backup.putBack();
  await eventually(() => want(server, { s1000: "after" }), { timeoutMs: 60_000 });
  for await (const message of server.clusters.watchDesiredState({ ...request, cursor, epoch })) {
    expect(message.fullSync).toBe(true);
    break;
  }
});
