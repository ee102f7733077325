import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SentinelService } from "../../src/gen/hydra/v1/sentinel_pb.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { post, SENTINELS, serve, type Serving } from "./serving.ts";

refuseLeaks();

const KEY = "snt_1";
let serving: Serving;
const deploy = (verb: string, headers: Record<string, string> = {}) =>
  post(`${serving.url}/${SENTINELS}/${KEY}/Deploy${verb}`, '{"image": "wait"}', headers);

beforeAll(async () => {
  serving = await serve({ limits: { maxQueuedPerKey: 2 } });
  // One that has the key, and two behind it.
  for (let i = 0; i < 3; i++) await deploy("/send", { "idempotency-key": `${i}` });
});

afterAll(() => serving[Symbol.asyncDispose]());

const REFUSAL = `2 calls wait for their turn at ${SENTINELS} "${KEY}", and no more are taken: try again once some of them have run, or cancel some`;

test.each(["", "/send"])(
  "a full line, over the ingress, Deploy%s: 429 with the sentence and Retry-After",
  async (verb) => {
    const response = await deploy(verb);
    expect([response.status, response.headers.get("retry-after"), await response.json()]).toEqual([
      429,
      "5",
      { code: 429, message: REFUSAL, source: "invocation" },
    ]);
  },
);

const PROTOCOLS: Record<string, (baseUrl: string) => Transport> = {
  Connect: (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" }),
  gRPC: (baseUrl) => createGrpcTransport({ baseUrl, idleConnectionTimeoutMs: 100 }),
  "gRPC-Web": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
};

test.each(Object.entries(PROTOCOLS))("a full line, over %s: resource exhausted with retry-after", async (_, to) => {
  const client = createClient(SentinelService, to(serving.url));
  const error = await client.deploy({ sentinelId: KEY, image: "wait" }).catch(ConnectError.from);
  expect(error).toMatchObject({ code: Code.ResourceExhausted, rawMessage: REFUSAL });
  const { metadata } = error as ConnectError;
  expect([metadata.get("retry-after"), metadata.get("grpc-retry-pushback-ms")]).toEqual(["5", "5000"]);
});

test("a full line, over Connect as curl speaks it: 429 with Retry-After", async () => {
  const response = await post(`${serving.url}/${SENTINELS}/Deploy`, `{"sentinel_id": "${KEY}", "image": "wait"}`);
  expect([response.status, response.headers.get("retry-after")]).toEqual([429, "5"]);
});

test("a full line: a call that was accepted and comes again gets the same invocation; another key is free", async () => {
  const again = await deploy("/send", { "idempotency-key": "2" });
  expect([again.status, await again.json()]).toMatchObject([202, { status: "PreviouslyAccepted" }]);
  const other = await post(`${serving.url}/${SENTINELS}/snt_2/Deploy`, '{"image": "a"}');
  expect([other.status, other.headers.get("retry-after")]).toEqual([200, null]);
});
