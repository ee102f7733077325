import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
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
      '0\ttx\tlist_targets\tyes\t{"ours":true}\t',
      "1\tcall\tDeploy\tyes\tfailed: timed [1mout\tinv_10000000002",
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

describe.each([
  ["cancel", "cancelInvocation", /was asked to end; it is parked now/],
  ["kill", "killInvocation", /was told to end at once; it is parked now/],
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

  test("one that is unknown: the server's words, exit code 1", async () => {
    const unknown = () => Promise.reject(new ConnectError('there is no invocation "x"', Code.NotFound));
    await using server = await start({ getInvocation: unknown, [method]: () => expect.unreachable() });
    const result = await hydra(server.url, ["invocations", verb, "x"]);
    expect(result).toEqual({ exitCode: 1, printed: [], complaints: ['there is no invocation "x"'] });
  });
});
