import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { SentinelDeployStatus as Status } from "../../src/gen/hydra/v1/sentinel_pb.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { hydra } from "./hydra-in-process.ts";
import { sentinelsOf } from "./recorded-fleet.ts";
import { type Script, startScriptedServer } from "./scripted-server.ts";

refuseLeaks();

const getSentinel = () => ({ sentinel: sentinelsOf(3)[2]! });
const start = (sentinels: Script["sentinels"]) =>
  startScriptedServer({ events: [], sentinels: { getSentinel, ...sentinels } });

describe("hydra sentinels deploy", () => {
  test("converged: exit code 0; what was not given stays unset", async () => {
    const requests: unknown[] = [];
    await using server = await start({
      deploy(request) {
        requests.push(request);
        return { status: Status.READY };
      },
    });
    const ready = await hydra(server.url, ["sentinels", "deploy", "snt_1", "--image", "i:v2", "--memory", "256"]);
    expect(ready).toEqual({ exitCode: 0, printed: ["Sentinel snt_1 is ready."], complaints: [] });
    expect(requests).toMatchObject([
      { sentinelId: "snt_1", image: "i:v2", desiredReplicas: 0, cpuMillicores: 0, memoryMib: 256 },
    ]);
  });

  test("failed: exit code 1 with the reason, with --json too", async () => {
    await using server = await start({ deploy: () => ({ status: Status.FAILED, reason: "no such\u0007image" }) });
    const failed = await hydra(server.url, ["sentinels", "deploy", "snt_1"]);
    expect(failed).toEqual({ exitCode: 1, printed: [], complaints: ["Sentinel snt_1 failed: no such image"] });
    const json = await hydra(server.url, ["sentinels", "deploy", "snt_1", "--json"]);
    expect(json.exitCode).toBe(1);
    expect(JSON.parse(json.printed.join())).toEqual({
      status: "SENTINEL_DEPLOY_STATUS_FAILED",
      reason: "no such\u0007image",
    });
  });

  test("an answer that gets lost: asked for again under the same idempotency key", async () => {
    const keys: (string | null)[] = [];
    await using server = await start({
      deploy(_request, context) {
        keys.push(context.requestHeader.get("idempotency-key"));
        if (keys.length < 3) throw new ConnectError("stopping", Code.Unavailable);
        return { status: Status.READY };
      },
    });
    expect((await hydra(server.url, ["sentinels", "deploy", "snt_1"])).exitCode).toBe(0);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("Ctrl-C: says that it goes on and where to look, exit code 130", async () => {
    const interrupt = new AbortController();
    await using server = await start({
      deploy() {
        interrupt.abort();
        return new Promise<never>(() => {});
      },
    });
    const result = await hydra(server.url, ["sentinels", "deploy", "snt_1"], { interrupted: interrupt.signal });
    expect(result.exitCode).toBe(130);
    expect(result.complaints.join()).toMatch(/goes on in the server.*hydra sentinels get snt_1/);
  });

  test("one that is scaled to zero: the server's words, and where to look", async () => {
    const refuse = () => Promise.reject(new ConnectError("sentinel snt_1 is standby", Code.FailedPrecondition));
    await using server = await start({ deploy: refuse });
    const { complaints, exitCode } = await hydra(server.url, ["sentinels", "deploy", "snt_1"]);
    expect(complaints).toEqual(["sentinel snt_1 is standby. Look at it: hydra sentinels get snt_1"]);
    expect(exitCode).toBe(1);
  });

  test("no such sentinel: said at once, and nothing is deployed", async () => {
    const unknown = () => Promise.reject(new ConnectError('there is no sentinel "x"', Code.NotFound));
    await using server = await start({ getSentinel: unknown, deploy: () => expect.unreachable() });
    const result = await hydra(server.url, ["sentinels", "deploy", "x"]);
    expect(result).toEqual({ exitCode: 1, printed: [], complaints: ['there is no sentinel "x"'] });
  });
});

test("hydra sentinels get: under the names of the table's columns; nothing in it acts on a terminal", async () => {
  await using server = await start({});
  const { printed } = await hydra(server.url, ["sentinels", "get", "snt_000003"]);
  expect(printed).toContain("deploy_status\tfailed");
  expect(printed).toContain("desired_state\trunning");
  expect(printed).toContain("deploy_reason\tthe container crashes: [2J exit code 137 after 2 s, 5 times");
  const onTerminal = await hydra(server.url, ["sentinels", "get", "snt_000003"], { columns: 60 });
  expect(onTerminal.printed).toContain("deploy_status        failed");
  const json = await hydra(server.url, ["sentinels", "get", "snt_000003", "--json"]);
  expect(JSON.parse(json.printed.join())).toMatchObject({ id: "snt_000003", generation: "4" });
});
