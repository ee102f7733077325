import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EngineService, InvocationRequest, InvocationStatus } from "../../src/gen/hydra/v1/engine_pb.ts";
import { HandlerKind } from "../../src/gen/hydra/v1/options_pb.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { post, ROLLOUTS, SENTINELS, serve, type Serving } from "./serving.ts";

refuseLeaks();

let serving: Serving;
let client: ReturnType<typeof createClient<typeof EngineService>>;

beforeAll(async () => {
  serving = await serve();
  client = createClient(EngineService, serving.server.transport);
});

afterAll(() => serving[Symbol.asyncDispose]());

async function send(key: string, image: string): Promise<string> {
  const response = await post(`${serving.url}/${SENTINELS}/${key}/Deploy/send`, JSON.stringify({ image }));
  return ((await response.json()) as { invocationId: string }).invocationId;
}

test("services: their handlers and messages; private handlers without", async () => {
  const { services } = await client.listServices({});
  expect(services.map(({ name, literalKey }) => [name, literalKey])).toEqual([
    [ROLLOUTS, "singleton"],
    [SENTINELS, ""],
  ]);
  expect(services[1]?.handlers).toMatchObject([
    {
      name: "Deploy",
      kind: HandlerKind.EXCLUSIVE,
      public: true,
      requestMessage: "hydra.v1.SentinelServiceDeployRequest",
      responseMessage: "hydra.v1.SentinelServiceDeployResponse",
    },
    { name: "NotifyReady", kind: HandlerKind.SHARED, public: true },
    { name: "Hidden", kind: HandlerKind.EXCLUSIVE, public: false, requestMessage: "", responseMessage: "" },
  ]);
});

describe("invocations", () => {
  test("listed by key, newest first, in pages", async () => {
    const ids: string[] = [];
    for (const image of ["a", "b", "c"]) ids.unshift(await send("snt_pages", image));
    const listed: string[] = [];
    let pageToken = "";
    do {
      const page = await client.listInvocations({ key: "snt_pages", pageSize: 2, pageToken });
      listed.push(...page.invocations.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(listed).toEqual(ids);
  });

  test("filtered by status", async () => {
    const waiting = await send("snt_waits", "wait");
    await serving.awakeableOf("snt_waits");
    const listed = await client.listInvocations({ key: "snt_waits", statuses: [InvocationStatus.RUNNING] });
    expect(listed.invocations.map(({ id }) => id)).toEqual([waiting]);
    const ended = await client.listInvocations({ key: "snt_waits", statuses: [InvocationStatus.SUCCEEDED] });
    expect(ended.invocations).toEqual([]);
    await client.killInvocation({ invocationId: waiting });
  });

  test("one with its journal", async () => {
    const invocationId = await send("snt_one", "wait");
    await client.resolveAwakeable({ awakeableId: await serving.awakeableOf("snt_one"), value: '"v"' });
    const found = await eventually(async () => {
      const answer = await client.getInvocation({ invocationId });
      return answer.invocation?.status === InvocationStatus.SUCCEEDED && answer;
    });
    expect(found.invocation).toMatchObject({ id: invocationId, service: SENTINELS, key: "snt_one", handler: "Deploy" });
    expect(JSON.parse(found.invocation?.output ?? "")).toMatchObject({ reason: '"v"' });
    expect(found.journal).toMatchObject([{ index: 0, kind: "awakeable", completed: true, value: '"v"' }]);
  });

  test("cancelled: its handler gets a cancellation; killed: it ends at once", async () => {
    const cancelled = await send("snt_cancelled", "wait");
    const killed = await send("snt_killed", "wait");
    await Promise.all(["snt_cancelled", "snt_killed"].map((key) => serving.awakeableOf(key)));
    await client.cancelInvocation({ invocationId: cancelled });
    await client.killInvocation({ invocationId: killed });
    expect(await serving.engine.attach(cancelled)).toMatchObject({ ok: false, kind: "cancelled" });
    expect(await serving.engine.attach(killed)).toMatchObject({ ok: false, kind: "killed" });
  });

  test("paged while rows come, end and go: each that stays is listed once, in order", async () => {
    const key = "snt_moving";
    const ids: string[] = [];
    for (let i = 0; i < 12; i++) ids.unshift(await send(key, `m${i}`));
    for (const id of ids) await serving.engine.attach(id);
    const listed: string[] = [];
    let pageToken = "";
    for (let page = 0; ; page++) {
      const answer = await client.listInvocations({ key, pageSize: 3, pageToken });
      listed.push(...answer.invocations.map(({ id }) => id));
      pageToken = answer.nextPageToken;
      if (pageToken === "") break;
      // The page's last one goes, a new one comes, and one that is to be listed yet goes, too.
      await client.purgeInvocation({ invocationId: listed.at(-1) ?? "" });
      if (page === 0) await client.purgeInvocation({ invocationId: ids[9] ?? "" });
      await send(key, "new");
    }
    expect(listed).toEqual(ids.filter((_id, at) => at !== 9));
  });

  test("filtered by when they were created, and by who called them", async () => {
    const key = "snt_times";
    const invocationId = await send(key, "a");
    await serving.engine.attach(invocationId);
    const createdAt = (await client.getInvocation({ invocationId })).invocation?.createdAt;
    const later = timestampFromMs(timestampMs(createdAt!) + 1);
    const count = async (filter: object) => (await client.listInvocations({ key, ...filter })).invocations.length;
    expect(await count({ createdFrom: createdAt })).toBe(1);
    expect(await count({ createdFrom: later })).toBe(0);
    expect(await count({ createdBefore: later })).toBe(1);
    expect(await count({ createdBefore: createdAt, createdFrom: createdAt })).toBe(0);
    expect(await count({ parentId: invocationId })).toBe(0);
  });

  test("paused, resumed, tried again, restarted, purged", async () => {
    const invocationId = await send("snt_verbs", "wait");
    const awakeableId = await serving.awakeableOf("snt_verbs");
    await client.pauseInvocation({ invocationId });
    const paused = await eventually(async () => {
      const { invocation } = await client.getInvocation({ invocationId });
      return invocation?.status === InvocationStatus.PARKED && invocation;
    });
    expect(paused.asked).toBe(InvocationRequest.PAUSE);
    await expect(client.purgeInvocation({ invocationId })).rejects.toMatchObject({ code: Code.FailedPrecondition });
    await client.resumeInvocation({ invocationId });
    await client.retryInvocation({ invocationId });
    await client.resolveAwakeable({ awakeableId, value: '"v"' });
    await serving.engine.attach(invocationId);
    const headers = { "idempotency-key": "one" };
    const first = await client.restartInvocation({ invocationId, fromEntry: 1 }, { headers });
    const repeated = await client.restartInvocation({ invocationId, fromEntry: 1 }, { headers });
    expect(repeated.invocationId).toBe(first.invocationId);
    expect(first.invocationId).not.toBe(invocationId);
    // It does not wait: the awakeable's entry was kept.
    expect(await serving.engine.attach(first.invocationId)).toMatchObject({ ok: true });
    await client.purgeInvocation({ invocationId });
    await expect(client.getInvocation({ invocationId })).rejects.toMatchObject({ code: Code.NotFound });
  });

  test("awakeable rejected: the reason is the handler's failure", async () => {
    const invocationId = await send("snt_rejected", "wait");
    await client.rejectAwakeable({ awakeableId: await serving.awakeableOf("snt_rejected"), reason: "no room" });
    expect(await serving.engine.attach(invocationId)).toMatchObject({ ok: false, message: "no room" });
  });
});

describe("the object's state", () => {
  test("of the rollout service: nothing before the first rollout, then its document among the values", async () => {
    const object = { service: ROLLOUTS, key: "singleton" };
    expect((await client.getObjectState(object)).values).toEqual({});
    await serving.pool.query(
      "insert into rollouts (id, image, wave_percentages, state, driver, notifies) values ('r1', 'image:1', '{100}', 'paused', '', false)",
    );
    const { values } = await client.getObjectState(object);
    expect(Object.keys(values)).toEqual(["rollout"]);
    expect(JSON.parse(values["rollout"] ?? "")).toMatchObject({
      state: "SENTINEL_ROLLOUT_STATE_PAUSED",
      image: "image:1",
    });
  });

  test("of another object: its values alone", async () => {
    expect((await client.getObjectState({ service: SENTINELS, key: "snt_1" })).values).toEqual({});
  });
});

describe("refused", () => {
  const unknown = { invocationId: "inv_10000zzzzzz" };

  test.each<[string, () => Promise<unknown>, Code]>([
    ["an unknown invocation", () => client.getInvocation(unknown), Code.NotFound],
    ["cancel of an unknown one", () => client.cancelInvocation(unknown), Code.NotFound],
    ["kill of an unknown one", () => client.killInvocation(unknown), Code.NotFound],
    ["pause of an unknown one", () => client.pauseInvocation(unknown), Code.NotFound],
    ["resume of an unknown one", () => client.resumeInvocation(unknown), Code.NotFound],
    ["retry of an unknown one", () => client.retryInvocation(unknown), Code.NotFound],
    ["restart of an unknown one", () => client.restartInvocation(unknown), Code.NotFound],
    ["purge of an unknown one", () => client.purgeInvocation(unknown), Code.NotFound],
    ["a negative entry", () => client.restartInvocation({ ...unknown, fromEntry: -1 }), Code.InvalidArgument],
    ["a malformed parent", () => client.listInvocations({ parentId: "x" }), Code.InvalidArgument],
    ["a malformed id", () => client.getInvocation({ invocationId: "x" }), Code.InvalidArgument],
    ["a page that is too large", () => client.listInvocations({ pageSize: 1_001 }), Code.InvalidArgument],
    ["a negative page", () => client.listInvocations({ pageSize: -1 }), Code.InvalidArgument],
    ["a malformed page token", () => client.listInvocations({ pageToken: "x" }), Code.InvalidArgument],
    ["an unknown status", () => client.listInvocations({ statuses: [99 as never] }), Code.InvalidArgument],
    ["NUL in a filter", () => client.listInvocations({ key: "\0" }), Code.InvalidArgument],
    ["a malformed awakeable", () => client.resolveAwakeable({ awakeableId: "x", value: "1" }), Code.InvalidArgument],
    ["a value that is no JSON", () => client.resolveAwakeable({ awakeableId: "x", value: "{" }), Code.InvalidArgument],
  ])("%s", async (_what, call, code) => {
    const error = await call().then(() => undefined, ConnectError.from);
    expect(error?.code).toBe(code);
    expect(error?.rawMessage).not.toBe("internal error");
  });
});
