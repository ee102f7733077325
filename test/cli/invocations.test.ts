import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampDate, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { DurableHandlerSchema, InvocationRequest, InvocationStatus } from "../../src/gen/hydra/v1/engine_pb.ts";
import { HandlerKind } from "../../src/gen/hydra/v1/options_pb.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { hydra } from "./hydra-in-process.ts";
import { recordedInvocations } from "./recorded-fleet.ts";
import { type Script, startScriptedServer } from "./scripted-server.ts";

refuseLeaks();

const [parked, rollout] = recordedInvocations;
const journal = [
  { index: 0, kind: "tx", name: "list_targets", completed: true, value: '{"ours":true}' },
  { index: 1, kind: "call", name: "Deploy", completed: true, failure: "timed\u001b[1mout", childId: "inv_10000000002" },
];
const start = (engine: Script["engine"]) =>
  startScriptedServer({
    events: [],
    engine: { getInvocation: () => ({ invocation: rollout!, journal }), ...engine },
  });

describe("hydra invocations get", () => {
  test("what it is, then its journal; what is unset is left out", async () => {
    await using server = await start({});
    const { printed, exitCode } = await hydra(server.url, ["invocations", "get", "inv_10000000001"]);
    expect(exitCode).toBe(0);
    expect(printed).toEqual([
      "id\tinv_10000000001",
      "service\thydra.v1.SentinelRolloutService",
      "key\tsingleton",
      "handler\tRollout",
      "status\tsucceeded",
      "attempts\t1",
      "created\t2026-11-24 12:30:05",
      "completed\t2026-11-24 12:41:05",
      'input\t{"image":"sentinel:v2"}',
      "",
      '0\ttx\tlist_targets\tyes\t{"ours":true}\t\t\t\t',
      "1\tcall\tDeploy\tyes\tfailed: timed [1mout\tinv_10000000002\t\t\t",
    ]);
  });

  test("--json: invocation and journal in one line", async () => {
    await using server = await start({});
    const { printed } = await hydra(server.url, ["invocations", "get", "inv_10000000001", "--json"]);
    expect(printed).toHaveLength(1);
    const answer = JSON.parse(printed.join());
    expect(answer).toMatchObject({ invocation: { id: "inv_10000000001" }, journal: [{ index: 0 }, { index: 1 }] });
  });
});

describe("the journal", () => {
  test("tells what a step took, how far a fan-out is, until when it sleeps", async () => {
    const recordedAt = timestampFromMs(Date.parse("2026-11-24T12:30:05"));
    const more = { name: "", completed: true, recordedAt };
    await using server = await start({
      getInvocation: () => ({
        invocation: rollout!,
        journal: [
          { ...more, kind: "run", name: "charge", value: "1", duration: durationFromMs(1_500), tries: 3 },
          {
            ...more,
            index: 1,
            kind: "fan_out",
            childId: "inv_10000000002",
            children: 9,
            openChildren: 4,
            failedChildren: 1,
          },
          { ...more, index: 2, kind: "sleep", firesAt: recordedAt },
          {
            ...more,
            index: 3,
            kind: "call",
            value: "2",
            completedAt: timestampFromMs(timestampMs(recordedAt) + 2_000),
          },
        ],
      }),
    });
    const { printed } = await hydra(server.url, ["invocations", "get", "inv_10000000001"]);
    expect(printed.slice(-4)).toEqual([
      "0\trun\tcharge\tyes\t1\t\t3\t1.5s\t2026-11-24 12:30:05",
      "1\tfan_out\t\tyes\t4 of 9 open, 1 failed\tinv_10000000002 and 8 more\t\t\t2026-11-24 12:30:05",
      "2\tsleep\t\tyes\tuntil 2026-11-24 12:30:05\t\t\t\t2026-11-24 12:30:05",
      "3\tcall\t\tyes\t2\t\t\t2.0s\t2026-11-24 12:30:05",
    ]);
  });
});

describe.each([
  [{ status: InvocationStatus.PARKED, asked: InvocationRequest.PAUSE }, "parked, as an operator asked", "paused"],
  [{ status: InvocationStatus.QUEUED, asked: InvocationRequest.PAUSE }, "queued, asked to pause", "queued"],
  [{ status: InvocationStatus.RUNNING, asked: InvocationRequest.CANCEL }, "running, asked to cancel", "running"],
  [{ status: InvocationStatus.FAILED, asked: InvocationRequest.KILL }, "failed", "failed"],
  [{ status: InvocationStatus.READY, unserved: true }, "ready, but no server that is up has its handler", "unserved"],
])("one that is %j", (is, inFull, word) => {
  test("said in full by get, in a word by list", async () => {
    const invocation = { id: "inv_10000000001", ...is };
    await using server = await start({
      getInvocation: () => ({ invocation }),
      listInvocations: () => ({ invocations: [invocation] }),
    });
    const got = await hydra(server.url, ["invocations", "get", "inv_10000000001"]);
    expect(got.printed).toContain(`status\t${inFull}`);
    const listed = await hydra(server.url, ["invocations", "list"]);
    expect(listed.printed[0]?.split("\t")[1]).toBe(word);
  });
});

describe.each([
  ["cancel", "cancelInvocation", /was asked to end; it is parked now/],
  ["kill", "killInvocation", /was told to end at once; it is parked now/],
  ["pause", "pauseInvocation", /was told to pause; it is parked now/],
  ["resume", "resumeInvocation", /was told to go on; it is parked now/],
  ["retry", "retryInvocation", /was told to try again now; it is parked now/],
] as const)("hydra invocations %s", (verb, method, words) => {
  test("an answer that gets lost: asked again, then told how it stands", async () => {
    const asked: string[] = [];
    await using server = await start({
      getInvocation: () => ({ invocation: parked! }),
      [method]({ invocationId }: { invocationId: string }) {
        asked.push(invocationId);
        if (asked.length === 1) throw new ConnectError("stopping", Code.Unavailable);
        return {};
      },
    });
    const result = await hydra(server.url, ["invocations", verb, "inv_10000000002"]);
    expect(result.printed.join()).toMatch(words);
    expect(result.exitCode).toBe(0);
    expect(asked).toEqual(["inv_10000000002", "inv_10000000002"]);
    const json = await hydra(server.url, ["invocations", verb, "inv_10000000002", "--json"]);
    expect(JSON.parse(json.printed.join())).toMatchObject({ status: "INVOCATION_STATUS_PARKED" });
  });

  test("one that is unknown: the server's words and where to look, exit code 1", async () => {
    const unknown = () => Promise.reject(new ConnectError('there is no invocation "x"', Code.NotFound));
    await using server = await start({ getInvocation: unknown, [method]: () => expect.unreachable() });
    const result = await hydra(server.url, ["invocations", verb, "x"]);
    const complaint = 'there is no invocation "x". See which there are: hydra invocations list';
    expect(result).toEqual({ exitCode: 1, printed: [], complaints: [complaint] });
  });

  test("refused: the server's words alone", async () => {
    const refuse = () => Promise.reject(new ConnectError("it has ended: restart it", Code.FailedPrecondition));
    await using server = await start({ getInvocation: () => ({ invocation: parked! }), [method]: refuse });
    const result = await hydra(server.url, ["invocations", verb, "inv_10000000002"]);
    expect(result).toEqual({ exitCode: 1, printed: [], complaints: ["it has ended: restart it"] });
  });
});

test("an id that is nearly that of a known one: it is suggested, unless it may be another's", async () => {
  const unknown = () => Promise.reject(new ConnectError("there is no such invocation", Code.NotFound));
  let known = [...recordedInvocations];
  await using server = await start({ getInvocation: unknown, listInvocations: () => ({ invocations: known }) });
  const ask = async () => (await hydra(server.url, ["invocations", "kill", "inv_1000000002"])).complaints;
  expect(await ask()).toEqual(["there is no such invocation. See which there are: hydra invocations list"]);
  known = known.slice(0, 1);
  expect(await ask()).toEqual(["there is no such invocation. Did you mean inv_10000000002?"]);
});

test.each(["cancel", "kill"] as const)("hydra invocations %s --with-children: says so to the server", async (verb) => {
  const asked: boolean[] = [];
  const end = ({ withChildren }: { withChildren: boolean }) => (asked.push(withChildren), {});
  await using server = await start({ cancelInvocation: end, killInvocation: end });
  await hydra(server.url, ["invocations", verb, "inv_10000000001", "--with-children"]);
  await hydra(server.url, ["invocations", verb, "inv_10000000001"]);
  expect(asked).toEqual([true, false]);
});

describe("hydra invocations restart", () => {
  test("an answer that gets lost: asked again under the same key, then told the new id", async () => {
    const keys: (string | null)[] = [];
    const requests: unknown[] = [];
    await using server = await start({
      purgeInvocation: ({ invocationId }) => (requests.push(["purge", invocationId]), {}),
      restartInvocation({ invocationId, fromEntry }, { requestHeader }) {
        keys.push(requestHeader.get("idempotency-key"));
        requests.push({ invocationId, fromEntry });
        if (keys.length === 1) throw new ConnectError("stopping", Code.Unavailable);
        return { invocationId: "inv_10000000009" };
      },
    });
    const id = "inv_10000000001";
    const result = await hydra(server.url, ["invocations", "restart", id, "--from", "3", "--purge"]);
    expect(result.printed).toEqual([
      `Invocation ${id} was restarted as inv_10000000009.`,
      `Invocation ${id} is deleted.`,
    ]);
    expect(new Set(keys).size).toBe(1);
    expect(requests.slice(1)).toEqual([{ invocationId: id, fromEntry: 3 }, ["purge", id]]);
    const json = await hydra(server.url, ["invocations", "restart", id, "--json"]);
    expect(JSON.parse(json.printed.join())).toEqual({ invocationId: "inv_10000000009" });
  });

  test("of one that is parked: says from where it goes on", async () => {
    await using server = await start({ restartInvocation: ({ invocationId }) => ({ invocationId }) });
    const { printed } = await hydra(server.url, ["invocations", "restart", "inv_10000000001", "--from", "2"]);
    expect(printed).toEqual(["Invocation inv_10000000001 goes on from entry 2 of its journal."]);
  });
});

test("hydra invocations purge: a repeat after a lost answer finds it gone, which is what was wanted", async () => {
  let asked = 0;
  await using server = await start({
    purgeInvocation() {
      asked++;
      throw asked === 1 ? new ConnectError("stopping", Code.Unavailable) : new ConnectError("gone", Code.NotFound);
    },
  });
  const result = await hydra(server.url, ["invocations", "purge", "inv_10000000001"]);
  expect(result).toEqual({ exitCode: 0, printed: ["Invocation inv_10000000001 is deleted."], complaints: [] });
});

test("hydra invocations list: parent and times reach the server", async () => {
  const asked: Record<string, unknown>[] = [];
  await using server = await start({
    listInvocations({ parentId, createdFrom, createdBefore }) {
      asked.push({ parentId, from: createdFrom && timestampDate(createdFrom), before: createdBefore });
      return {};
    },
  });
  const from = "2026-11-24T12:00:00.000Z";
  await hydra(server.url, ["invocations", "list", "--parent", "inv_10000000001", "--from", from]);
  expect(asked).toEqual([{ parentId: "inv_10000000001", from: new Date(from), before: undefined }]);
  await hydra(server.url, ["invocations", "list", "--before", "2h"]);
  expect(asked[1]).toMatchObject({ from: undefined, before: expect.anything() });
});

test("hydra invocations services: a line for each handler; --json: for each service", async () => {
  const handlers = [
    create(DurableHandlerSchema, {
      name: "Deploy",
      kind: HandlerKind.EXCLUSIVE,
      public: true,
      requestMessage: "Request",
      responseMessage: "Response",
    }),
    create(DurableHandlerSchema, { name: "Hidden", kind: HandlerKind.SHARED }),
  ];
  await using server = await start({ listServices: () => ({ services: [{ name: "acme.Orders", handlers }] }) });
  const { printed } = await hydra(server.url, ["invocations", "services"]);
  expect(printed).toEqual([
    "acme.Orders\tDeploy\texclusive\tyes\tRequest\tResponse",
    "acme.Orders\tHidden\tshared\tno\t\t",
  ]);
  const json = await hydra(server.url, ["invocations", "services", "--json"]);
  expect(json.printed.map((line) => JSON.parse(line).name)).toEqual(["acme.Orders"]);
});

test("hydra invocations state: names and values", async () => {
  const getObjectState = ({ service, key }: { service: string; key: string }) => ({ values: { [service]: key } });
  await using server = await start({ getObjectState });
  const command = ["invocations", "state", "acme.Orders", "k"];
  expect((await hydra(server.url, command)).printed).toEqual(["acme.Orders\tk"]);
  const json = await hydra(server.url, [...command, "--json"]);
  expect(JSON.parse(json.printed.join())).toEqual({ values: { "acme.Orders": "k" } });
});

describe("hydra awakeables", () => {
  test("resolve with a value, or null; reject with a reason", async () => {
    const asked: unknown[] = [];
    await using server = await start({
      resolveAwakeable: ({ awakeableId, value }) => (asked.push([awakeableId, value]), {}),
      rejectAwakeable: ({ awakeableId, reason }) => (asked.push([awakeableId, reason]), {}),
    });
    const { printed } = await hydra(server.url, ["awakeables", "resolve", "sign_1x", '{"ok":true}']);
    expect(printed).toEqual(["The awakeable is resolved, unless it was completed before."]);
    await hydra(server.url, ["awakeables", "resolve", "sign_1x"]);
    const json = await hydra(server.url, ["awakeables", "reject", "sign_1x", "no room", "--json"]);
    expect(JSON.parse(json.printed.join())).toEqual({ rejected: "sign_1x" });
    expect(asked).toEqual([
      ["sign_1x", '{"ok":true}'],
      ["sign_1x", "null"],
      ["sign_1x", "no room"],
    ]);
  });
});
