import { once } from "node:events";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, test } from "vitest";
import { ServerReflection } from "../../src/gen/grpc/reflection/v1/reflection_pb.ts";
import { Health } from "../../src/gen/health/v1/health_pb.ts";
import { SentinelService } from "../../src/gen/hydra/v1/sentinel_pb.ts";
import { SentinelRolloutService } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { post, SENTINELS, serve, type Serving } from "./serving.ts";

refuseLeaks();

/** Reads a stream to its end. */
async function lastOf(stream: AsyncIterable<unknown>, onFirst: () => void): Promise<unknown> {
  try {
    for await (const _ of stream) onFirst();
    return "ended";
  } catch (error) {
    return ConnectError.from(error);
  }
}

function deploy(serving: Serving, key: string, image: string): Promise<Response> {
  return post(`${serving.url}/${SENTINELS}/${key}/Deploy`, JSON.stringify({ image }));
}

describe("stop", () => {
  test("nothing in flight: at once, twice is fine, the port is free again", async () => {
    await using serving = await serve();
    await Promise.all([serving.server.stop(), serving.server.stop()]);
    await expect(fetch(serving.url)).rejects.toThrow("fetch failed");
    await using again = await serve({ port: serving.server.port });
    expect((await fetch(again.url)).status).toBe(200);
  });

  test("streams: end as unavailable at once, over every way in", async () => {
    await using serving = await serve({ graceMs: 60_000 });
    const transports = [
      createConnectTransport({ baseUrl: serving.url, httpVersion: "1.1" }),
      createGrpcTransport({ baseUrl: serving.url, idleConnectionTimeoutMs: 100 }),
      serving.server.transport,
    ];
    const begun = transports.map(() => Promise.withResolvers<void>());
    const ended = transports.map((transport, i) =>
      lastOf(createClient(SentinelRolloutService, transport).watch({}), () => begun[i]?.resolve()),
    );
    await Promise.all(begun.map(({ promise }) => promise));
    await serving.server.stop();
    for (const error of await Promise.all(ended)) expect(error).toMatchObject({ code: Code.Unavailable });
  });

  test("streams that wait for their client, or for nothing in the database: end, too", async () => {
    await using serving = await serve({ graceMs: 60_000 });
    const transport = createGrpcTransport({ baseUrl: serving.url, idleConnectionTimeoutMs: 100 });
    const begun = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const client = new AbortController();
    const questions = async function* () {
      yield { messageRequest: { case: "listServices" as const, value: "" } };
      await once(client.signal, "abort");
    };
    const ended = [
      lastOf(createClient(ServerReflection, transport).serverReflectionInfo(questions()), () => begun[0]?.resolve()),
      lastOf(createClient(Health, serving.server.transport).watch({}), () => begun[1]?.resolve()),
    ];
    await Promise.all(begun.map(({ promise }) => promise));
    await serving.server.stop();
    client.abort();
    for (const error of await Promise.all(ended)) expect(error).toMatchObject({ code: Code.Unavailable });
  });

  test("a call in flight that ends within the grace time: answered; new ones are refused meanwhile", async () => {
    await using serving = await serve({ graceMs: 60_000 });
    const transport = createGrpcTransport({ baseUrl: serving.url, idleConnectionTimeoutMs: 100 });
    const client = createClient(SentinelService, transport);
    const [overHttp1, overHttp2] = [
      deploy(serving, "snt_1", "wait"),
      client.deploy({ sentinelId: "snt_2", image: "wait" }),
    ];
    const ids = await Promise.all([serving.awakeableOf("snt_1"), serving.awakeableOf("snt_2")]);
    const stopped = serving.server.stop();
    await expect(fetch(serving.url)).rejects.toThrow("fetch failed");
    await Promise.all(ids.map((id) => serving.engine.resolveAwakeable(id, "1")));
    expect((await overHttp1).status).toBe(200);
    expect((await overHttp2).reason).toBe("1");
    await stopped;
  });

  test("a call that takes longer: told unavailable, and goes on", async () => {
    await using serving = await serve({ graceMs: 100 });
    const overConnect = createClient(
      SentinelService,
      createConnectTransport({ baseUrl: serving.url, httpVersion: "1.1" }),
    )
      .deploy({ sentinelId: "snt_1", image: "wait" })
      .catch(ConnectError.from);
    const overIngress = deploy(serving, "snt_2", "wait");
    const ids = await Promise.all([serving.awakeableOf("snt_1"), serving.awakeableOf("snt_2")]);
    await serving.server.stop();
    expect(await overConnect).toMatchObject({ code: Code.Unavailable, rawMessage: expect.stringContaining("goes on") });
    const response = await overIngress;
    expect([response.status, await response.json()]).toMatchObject([503, { code: 503, source: "ingress" }]);
    await serving.engine.resolveAwakeable(ids[0], "1");
    const [invocation] = await serving.engine.listInvocations({ key: "snt_1", limit: 1 });
    expect(await serving.engine.attach(invocation?.invocationId ?? "")).toMatchObject({ ok: true });
  });
});

describe("startServer", () => {
  test.each(["0.0.0.0", "::", "192.0.2.1"])("on %s without tokens: refused with a sentence", async (host) => {
    await expect(serve({ host })).rejects.toThrow(
      `without tokens the server listens on this machine only (127.0.0.1, ::1 or localhost), not on ${host}`,
    );
  });

  test("on every address, insecure: takes any Host header", async () => {
    await using serving = await serve({ host: "0.0.0.0", allowInsecure: true });
    expect(serving.url).toBe(`http://127.0.0.1:${serving.server.port}`);
    expect((await fetch(serving.url)).status).toBe(200);
  });

  test("a port in use: refused, naming it", async () => {
    await using serving = await serve();
    await expect(serve({ port: serving.server.port })).rejects.toThrow(
      `port ${serving.server.port} on 127.0.0.1 is in use`,
    );
  });
});
