import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { SentinelDeployStatus, SentinelService } from "../../src/gen/hydra/v1/sentinel_pb.ts";
import { SentinelRolloutService, SentinelRolloutState } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { post, SENTINELS, serve, type Serving } from "./serving.ts";

refuseLeaks();

let serving: Serving;

beforeAll(async () => {
  serving = await serve({ maxBodyBytes: 100_000 });
});

afterAll(() => serving[Symbol.asyncDispose]());

/** Over HTTP/1.1 where the protocol has it: such connections do not outlive the test file. */
const PROTOCOLS: Record<string, (baseUrl: string) => Transport> = {
  "Connect, JSON": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  "Connect, binary": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" }),
  "Connect, HTTP/2": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2", idleConnectionTimeoutMs: 100 }),
  gRPC: (baseUrl) => createGrpcTransport({ baseUrl, idleConnectionTimeoutMs: 100 }),
  "gRPC-Web": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  "in memory": () => serving.server.transport,
};

function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  return call.then(
    () => Promise.reject(new Error("the call succeeded")),
    (error: unknown) => ConnectError.from(error),
  );
}

describe.each(Object.entries(PROTOCOLS))("%s", (name, transportTo) => {
  const key = `snt_${name.replaceAll(/[^a-zA-Z0-9]/g, "_")}`;
  let sentinels: ReturnType<typeof createClient<typeof SentinelService>>;
  let rollouts: ReturnType<typeof createClient<typeof SentinelRolloutService>>;

  beforeAll(() => {
    const transport = transportTo(serving.url);
    sentinels = createClient(SentinelService, transport);
    rollouts = createClient(SentinelRolloutService, transport);
  });

  test("a handler: runs as an invocation under the key in the request", async () => {
    const headers = new Map<string, string | null>();
    const response = await sentinels.deploy(
      { sentinelId: key, image: "a", memoryMib: 64 },
      { onHeader: (header) => headers.set("id", header.get("x-restate-id")) },
    );
    expect(response.status).toBe(SentinelDeployStatus.READY);
    expect(JSON.parse(response.reason)).toEqual({ sentinelId: key, image: "a", memoryMib: 64 });
    const stored = await serving.engine.getInvocation(headers.get("id") ?? "");
    expect(stored?.invocation).toMatchObject({ service: SENTINELS, key, handler: "Deploy", status: "succeeded" });
  });

  test("an object with one key: no field is needed", async () => {
    const response = await rollouts.rollout({ image: "a", wavePercentages: [10, 100] });
    expect(response).toMatchObject({ state: SentinelRolloutState.COMPLETED, rolloutId: "a 10,100" });
  });

  test("no key: invalid argument naming the field", async () => {
    const error = await errorOf(sentinels.deploy({ image: "a" }));
    expect(error).toMatchObject({ code: Code.InvalidArgument, rawMessage: "sentinel_id is required" });
  });

  test("a key with NUL: invalid argument", async () => {
    expect((await errorOf(sentinels.deploy({ sentinelId: "a\0b" }))).code).toBe(Code.InvalidArgument);
  });

  test("refused at the door: the code and the sentence", async () => {
    const error = await errorOf(sentinels.deploy({ sentinelId: key, image: "refuse" }));
    expect(error).toMatchObject({ code: Code.FailedPrecondition, rawMessage: "refused at the door" });
  });

  test("a failed invocation: the code, the sentence and the id", async () => {
    const error = await errorOf(sentinels.deploy({ sentinelId: key, image: "fail:cancelled" }));
    expect(error).toMatchObject({ code: Code.Aborted, rawMessage: "failed as asked: cancelled" });
    expect(error.metadata.get("x-restate-id")).toMatch(/^inv_1/);
  });

  test("a method that is not implemented by a handler: unimplemented", async () => {
    expect((await errorOf(rollouts.resume({}))).code).toBe(Code.Unimplemented);
  });

  test("idempotency-key: repeats get the first answer", async () => {
    const once = `${key}_once`;
    const headers = { "idempotency-key": "k" };
    const first = await sentinels.deploy({ sentinelId: once, image: "a" }, { headers });
    const again = await sentinels.deploy({ sentinelId: once, image: "b" }, { headers });
    expect(again).toEqual(first);
    expect(serving.runs(once)).toBe(1);
  });

  test("a deadline: the caller stops waiting, the invocation goes on", async () => {
    const patient = `${key}_wait`;
    const error = await errorOf(sentinels.deploy({ sentinelId: patient, image: "wait" }, { timeoutMs: 300 }));
    expect(error.code).toBe(Code.DeadlineExceeded);
    await serving.engine.resolveAwakeable(await serving.awakeableOf(patient), '"done"');
    await eventually(async () => {
      const [invocation] = await serving.engine.listInvocations({ key: patient, limit: 1 });
      expect(invocation?.status).toBe("succeeded");
    });
  });

  test("a message over the limit: resource exhausted", async () => {
    const error = await errorOf(sentinels.deploy({ sentinelId: key, image: "x".repeat(200_000) }));
    expect(error.code).toBe(Code.ResourceExhausted);
  });
});

describe("Connect as curl speaks it", () => {
  const deploy = () => `${serving.url}/${SENTINELS}/Deploy`;

  test.each([
    ["an unknown field", '{"sentinel_id": "a", "imagee": "b"}', /"imagee" is unknown/],
    ["malformed JSON", '{"image": https://hooks.slack.com/secret', /^the body is not valid JSON$/],
    ["bytes that are not UTF-8", Uint8Array.of(0x7b, 0xff, 0x7d), /^the body is not valid UTF-8$/],
  ])("%s: 400 invalid_argument", async (_what, body, message) => {
    const response = await post(deploy(), body);
    const error = (await response.json()) as { code: string; message: string };
    expect([response.status, error.code]).toEqual([400, "invalid_argument"]);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain("hooks");
  });

  test("both spellings: understood", async () => {
    expect((await post(deploy(), '{"sentinel_id": "snt_curl", "memoryMib": "1"}')).status).toBe(200);
  });

  test("two segments with an unknown method: 404 unimplemented, not the ingress", async () => {
    const response = await post(`${serving.url}/${SENTINELS}/Nope`, "{}");
    expect([response.status, await response.json()]).toEqual([
      404,
      { code: "unimplemented", message: `${SENTINELS} has no method Nope` },
    ]);
  });

  test("a body over the limit, chunked: told, though it was not read to its end", async () => {
    const response = await fetch(deploy(), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: new Blob(["x".repeat(5_000_000)]).stream(),
      duplex: "half",
    });
    expect([response.status, await response.json()]).toMatchObject([429, { code: "resource_exhausted" }]);
  });

  test("a time-out that Node's timers cannot hold: refused, not over at once", async () => {
    const response = await post(deploy(), '{"sentinel_id": "a"}', { "connect-timeout-ms": "9999999999" });
    expect([response.status, await response.json()]).toMatchObject([400, { code: "invalid_argument" }]);
  });
});

test("a client that hangs up: nobody waits for it any more, and the invocation goes on", async () => {
  const attach = vi.spyOn(serving.engine, "attach");
  const client = new AbortController();
  const call = post(`${serving.url}/${SENTINELS}/snt_gone/Deploy`, '{"image": "wait"}');
  const aborted = fetch(`${serving.url}/${SENTINELS}/snt_gone2/Deploy`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"image": "wait"}',
    signal: client.signal,
  });
  aborted.catch(() => {});
  const [first, second] = await Promise.all([serving.awakeableOf("snt_gone"), serving.awakeableOf("snt_gone2")]);
  client.abort();
  await expect(aborted).rejects.toThrow("aborted");
  await expect(Promise.race(attach.mock.results.map(({ value }) => value as Promise<unknown>))).rejects.toThrow(
    "the client has gone",
  );
  await eventually(() => {
    const lines = serving.logged.map((line) => JSON.parse(line) as { code?: string });
    expect(lines.map((line) => line.code)).toContain("canceled");
  });
  await serving.engine.resolveAwakeable(second, "1");
  await serving.engine.resolveAwakeable(first, "1");
  expect((await call).status).toBe(200);
  await eventually(async () => {
    const [invocation] = await serving.engine.listInvocations({ key: "snt_gone2", limit: 1 });
    expect(invocation?.status).toBe("succeeded");
  });
});
