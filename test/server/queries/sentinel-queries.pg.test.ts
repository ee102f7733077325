import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SentinelDeployStatus, SentinelDesiredState } from "../../../src/gen/hydra/v1/sentinel_pb.ts";
import { createDatabase, type TestDatabase } from "../../support/database.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { type DomainServer, startDomainServer } from "../domain-server.ts";

refuseLeaks();

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

interface Row {
  id: string;
  regionId?: string;
  k8sNamespace?: string;
  k8sName?: string;
  image?: string;
  desiredReplicas?: number;
}

function row(id: string, more: Partial<Row> = {}): Row {
  return { id, regionId: "eu", k8sNamespace: "sentinels", k8sName: id, image: "acme/sentinel:v1", ...more };
}

async function* messages(rows: readonly Row[], size = 1_000) {
  for (let i = 0; i < rows.length; i += size) yield { sentinels: rows.slice(i, i + size) };
}

async function refusal(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

async function count(prefix: string): Promise<number> {
  const { rows } = await server.pool.query("select count(*)::int as n from sentinels where starts_with(id, $1)", [
    prefix,
  ]);
  return rows[0].n;
}

test("an import that is repeated with a change: created, then updated and unchanged, the generation grows by one", async () => {
  const first = await server.sentinels.importSentinels(messages([row("imp-1"), row("imp-2")]));
  expect(first).toMatchObject({ created: 2, updated: 0, unchanged: 0 });
  const again = [row("imp-1", { image: "acme/sentinel:v2" }), { id: "imp-2" }];
  expect(await server.sentinels.importSentinels(messages(again))).toMatchObject({
    created: 0,
    updated: 1,
    unchanged: 1,
  });
  const { sentinel } = await server.sentinels.getSentinel({ sentinelId: "imp-1" });
  expect(sentinel).toMatchObject({
    image: "acme/sentinel:v2",
    generation: 2n,
    desiredState: SentinelDesiredState.RUNNING,
    deployStatus: SentinelDeployStatus.IDLE,
  });
});

test.each([
  { what: "an image that is none", rows: [row("bad-1"), row("bad-2", { image: "Not An Image" })], at: 2 },
  { what: "an id that is none", rows: [row("bad-1"), row("bad-2"), row("-bad")], at: 3 },
  { what: "a new sentinel without a region", rows: [row("bad-1"), { id: "bad-2", image: "acme/sentinel:v1" }], at: 2 },
  { what: "the same id twice", rows: [row("bad-1"), row("bad-2"), row("bad-1", { k8sName: "other" })], at: 3 },
  {
    what: "the same place twice",
    rows: [row("bad-1"), row("bad-2", { k8sName: "bad-1" })],
    at: 2,
    code: Code.AlreadyExists,
  },
])("an import with $what: refused with the row's position, nothing is written", async ({ rows, at, code }) => {
  const error = await refusal(server.sentinels.importSentinels(messages(rows, 2)));
  expect(error.code).toBe(code ?? Code.InvalidArgument);
  expect(error.rawMessage).toMatch(new RegExp(`^row ${at}: `));
  expect(await count("bad-")).toBe(0);
});

test("a message with more than 1,000 rows, or more than 200,000 in all: refused", { timeout: 120_000 }, async () => {
  const many = Array.from({ length: 1_001 }, (_, i) => row(`many-${i}`));
  expect((await refusal(server.sentinels.importSentinels(messages(many, 1_001)))).rawMessage).toContain("1000");
  async function* endless() {
    for (let i = 0; ; i += 1_000) yield { sentinels: Array.from({ length: 1_000 }, (_, k) => row(`many-${i + k}`)) };
  }
  expect((await refusal(server.sentinels.importSentinels(endless()))).rawMessage).toContain("200000");
  expect(await count("many-")).toBe(0);
});

test("rows that are so already: imported again without the lock that a rollout waits for", async () => {
  const rows = [row("same-1"), row("same-2")];
  await server.sentinels.importSentinels(messages(rows));
  const holder = await server.pool.connect();
  try {
    await holder.query("begin; select 1 from rollout_log for update");
    const again = [...rows.slice(0, 1), { id: "same-2" }];
    expect(await server.sentinels.importSentinels(messages(again))).toMatchObject({ updated: 0, unchanged: 2 });
  } finally {
    await holder.query("rollback");
    holder.release();
  }
});

test("a bad row after rows that are so already: named by its place in the import", async () => {
  const rows = [row("kept-1"), row("kept-2")];
  await server.sentinels.importSentinels(messages(rows));
  const error = await refusal(
    server.sentinels.importSentinels(messages([...rows, row("late", { k8sName: "kept-1" })])),
  );
  expect(error.rawMessage).toMatch(/^row 3: sentinel late: another sentinel/);
});

test("a row that was so already, and is changed by somebody else before the import's commit: that change stays", async () => {
  const { sentinels, pool } = server;
  await sentinels.importSentinels(messages([row("raced-1"), row("raced-2")]));
  async function* slow() {
    yield { sentinels: [row("raced-1")] };
    // The server takes a message once it is done with the one before.
    yield { sentinels: [row("raced-2", { image: "acme/sentinel:v2" })] };
    await sentinels.upsertSentinel({ sentinel: { id: "raced-1", image: "acme/sentinel:v3" } });
  }
  expect(await sentinels.importSentinels(slow())).toMatchObject({ created: 0, updated: 1, unchanged: 1 });
  const { rows } = await pool.query("select image from sentinels where id like 'raced-%' order by id");
  expect(rows).toEqual([{ image: "acme/sentinel:v3" }, { image: "acme/sentinel:v2" }]);
});

test("an import of nothing: nothing happens", async () => {
  expect(await server.sentinels.importSentinels(messages([]))).toMatchObject({ created: 0, updated: 0, unchanged: 0 });
});

test(
  "an import of 100,000 rows with a bad one at the end: none is written; without it all are",
  { timeout: 120_000 },
  async () => {
    const rows = Array.from({ length: 100_000 }, (_, i) => row(`big-${i}`));
    const bad = [...rows.slice(0, -1), row("big-99999", { k8sName: "big-99998" })];
    expect((await refusal(server.sentinels.importSentinels(messages(bad)))).rawMessage).toMatch(/^row 100000: /);
    expect(await count("big-")).toBe(0);
    const created = await timed("creates 100,000 rows", () => server.sentinels.importSentinels(messages(rows)));
    expect(created).toMatchObject({ created: 100_000 });
    const changed = rows.map((spec) => ({ ...spec, image: "acme/sentinel:v2" }));
    const updated = await timed("updates 100,000 rows", () => server.sentinels.importSentinels(messages(changed)));
    expect(updated).toMatchObject({ updated: 100_000 });
  },
);

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work();
  console.log(`an import that ${what}: ${Math.round(performance.now() - startedAt)} ms`);
  return result;
}

test("one sentinel: created with defaults, changed where fields are given, removed, unknown then", async () => {
  const { sentinel } = await server.sentinels.upsertSentinel({ sentinel: row("one") });
  expect(sentinel).toMatchObject({ id: "one", desiredReplicas: 1, generation: 1n });
  const changed = await server.sentinels.upsertSentinel({ sentinel: { id: "one", desiredReplicas: 3 } });
  expect(changed.sentinel).toMatchObject({ image: "acme/sentinel:v1", desiredReplicas: 3, generation: 2n });
  await server.sentinels.deleteSentinel({ sentinelId: "one" });
  expect((await refusal(server.sentinels.getSentinel({ sentinelId: "one" }))).code).toBe(Code.NotFound);
  expect((await refusal(server.sentinels.deleteSentinel({ sentinelId: "one" }))).code).toBe(Code.NotFound);
});

test("a place that another sentinel has: refused as existing", async () => {
  await server.sentinels.upsertSentinel({ sentinel: row("place-1") });
  const error = await refusal(server.sentinels.upsertSentinel({ sentinel: row("place-2", { k8sName: "place-1" }) }));
  expect(error.code).toBe(Code.AlreadyExists);
});

test("a listing in pages while rows come and go: every row that stays is listed once, in order", async () => {
  const rows = Array.from({ length: 25 }, (_, i) => row(`page-${String(i).padStart(2, "0")}`, { regionId: "paged" }));
  await server.sentinels.importSentinels(messages(rows));
  const listed: string[] = [];
  for (let pageToken = "", page = 0; page === 0 || pageToken !== ""; page++) {
    const answer = await server.sentinels.listSentinels({ regionId: "paged", pageSize: 7, pageToken });
    listed.push(...answer.sentinels.map(({ id }) => id));
    pageToken = answer.nextPageToken;
    if (page === 0) {
      await server.sentinels.deleteSentinel({ sentinelId: "page-03" });
      await server.sentinels.upsertSentinel({ sentinel: row("page-01a", { regionId: "paged" }) });
    }
  }
  expect(listed).toEqual(rows.map(({ id }) => id));
});

test("a filter by deploy status: only those", async () => {
  await server.sentinels.importSentinels(
    messages([row("status-1", { regionId: "st" }), row("status-2", { regionId: "st" })]),
  );
  await server.pool.query("update sentinels set deploy_status = 'failed' where id = 'status-2'");
  const ask = (...deployStatuses: SentinelDeployStatus[]) =>
    server.sentinels.listSentinels({ regionId: "st", deployStatuses });
  expect((await ask(SentinelDeployStatus.FAILED)).sentinels.map(({ id }) => id)).toEqual(["status-2"]);
  expect((await ask(SentinelDeployStatus.FAILED, SentinelDeployStatus.IDLE)).sentinels).toHaveLength(2);
});

test.each([
  { what: "a negative page size", request: { pageSize: -1 }, says: "page_size" },
  { what: "a page size above 1,000", request: { pageSize: 1_001 }, says: "1000" },
  { what: "a token of nobody", request: { pageToken: "%%%" }, says: "page_token" },
  { what: "a token of another listing", request: { pageToken: "WyJyb2xsb3V0cyIsIjEiXQ" }, says: "page_token" },
  { what: "a status that is none", request: { deployStatuses: [0] }, says: "PROGRESSING" },
])("a listing with $what: refused, saying what is accepted", async ({ request, says }) => {
  const error = await refusal(server.sentinels.listSentinels(request as object));
  expect(error.code).toBe(Code.InvalidArgument);
  expect(error.rawMessage).toContain(says);
});
