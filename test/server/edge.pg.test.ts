import { once } from "node:events";
import net from "node:net";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from "../../src/gen/health/v1/health_pb.ts";
import { SentinelRolloutService } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { post, ROLLOUTS, SENTINELS, serve, type Serving } from "./serving.ts";

refuseLeaks();

const OPS = "https://ops.example.com";

let serving: Serving;

beforeAll(async () => {
  serving = await serve({ corsOrigins: [OPS] });
});

afterAll(() => serving[Symbol.asyncDispose]());

/** A request with a head that fetch would not send. */
async function raw(head: string, body = ""): Promise<string> {
  const socket = net.connect(serving.server.port, "127.0.0.1");
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const length = body === "" ? "" : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  socket.write(`${head}\r\n${length}Connection: close\r\n\r\n${body}`);
  await once(socket, "close");
  return text;
}

describe("the Host header", () => {
  const JSON_BODY = "Content-Type: application/json";

  test("another name on the ingress: 403 in the envelope", async () => {
    const answer = await raw(`POST /${ROLLOUTS}/singleton/Cancel HTTP/1.1\r\nHost: evil.example\r\n${JSON_BODY}`, "{}");
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toMatch(/\{"code":403,"message":"the Host header is \\"evil.example\\", .*","source":"ingress"\}$/);
  });

  test("another name on Connect: 403 permission_denied, the handler is not called", async () => {
    const answer = await raw(
      `POST /${SENTINELS}/Deploy HTTP/1.1\r\nHost: evil.example\r\n${JSON_BODY}`,
      '{"sentinel_id": "snt_evil"}',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toContain('"code":"permission_denied"');
    expect(serving.runs("snt_evil")).toBe(0);
  });

  test("another name on a page: 403", async () => {
    expect(await raw("GET / HTTP/1.1\r\nHost: evil.example")).toMatch(/^HTTP\/1\.1 403 /);
  });

  test("another :authority on gRPC: permission denied with the sentence", async () => {
    const transport = createGrpcTransport({
      baseUrl: "http://evil.example",
      idleConnectionTimeoutMs: 100,
      nodeOptions: { createConnection: () => net.connect(serving.server.port, "127.0.0.1") },
    });
    const call = createClient(SentinelRolloutService, transport).getRollout({});
    const error = await call.then(() => undefined, ConnectError.from);
    expect(error).toMatchObject({ code: Code.PermissionDenied, rawMessage: expect.stringContaining("evil.example") });
  });

  test.each(["localhost", "127.0.0.1:1234", "[::1]:80"])("%s: answered", async (host) => {
    expect(await raw(`GET / HTTP/1.1\r\nHost: ${host}`)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test("no URL at all can be made of it: 403, and the server lives on", async () => {
    expect(await raw(`POST /${SENTINELS}/Deploy HTTP/1.1\r\nHost: a b:c\r\n${JSON_BODY}`)).toMatch(/^HTTP\/1\.1 403 /);
    expect((await fetch(serving.url)).status).toBe(200);
  });
});

describe("web pages", () => {
  const call = (headers: Record<string, string>) => post(`${serving.url}/${ROLLOUTS}/singleton/Cancel`, "{}", headers);

  test("of another origin: 403, and no permission to read it", async () => {
    const response = await call({ origin: "https://evil.example" });
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([403, null]);
  });

  test("of an allowed origin: answered, with the headers it may read", async () => {
    const response = await call({ origin: OPS });
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([200, OPS]);
    expect(response.headers.get("access-control-expose-headers")).toContain("x-restate-id");
    expect(response.headers.get("vary")).toBe("origin");
  });

  test("preflight of an allowed origin: what it may send; of another: nothing", async () => {
    const preflight = (origin: string) =>
      fetch(`${serving.url}/${SENTINELS}/Deploy`, {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST" },
      });
    const allowed = await preflight(OPS);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("access-control-allow-headers")).toMatch(/Content-Type.*authorization.*idempotency-key/);
    const other = await preflight("https://evil.example");
    expect([other.status, other.headers.get("access-control-allow-origin")]).toEqual([405, null]);
  });
});

describe("pages", () => {
  test.each([
    ["/", 200, /^hydra 0\.0\.0-test\n\nThe dashboard comes here/],
    ["/healthz", 200, /^ok$/m],
    ["/readyz", 200, /^ok$/m],
    ["/metrics", 200, /^# HELP hydra_build_info /m],
  ])("%s: %d", async (path, status, text) => {
    const response = await fetch(serving.url + path);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; (version=0\.0\.4; )?charset=utf-8$/);
    expect(await response.text()).toMatch(text);
  });

  test("HEAD: the same without a body", async () => {
    const response = await fetch(`${serving.url}/healthz`, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });
});

describe("request ids", () => {
  test("given: comes back, is kept with the invocation and stands in the log line", async () => {
    const response = await post(`${serving.url}/${SENTINELS}/snt_id/Deploy`, "{}", { "x-request-id": "req-7" });
    expect(response.headers.get("x-request-id")).toBe("req-7");
    const id = response.headers.get("x-restate-id");
    const { rows } = await serving.pool.query("select request_id from engine.invocations where key = 'snt_id'");
    expect(rows).toEqual([{ request_id: "req-7" }]);
    const lines = serving.logged.map((line) => JSON.parse(line) as { requestId?: string });
    expect(lines.filter((line) => line.requestId === "req-7")).toEqual([
      expect.objectContaining({
        msg: "call",
        level: 30,
        method: `${SENTINELS}/Deploy`,
        code: "ok",
        invocationId: id,
        durationMs: expect.any(Number),
      }),
    ]);
  });

  test("none: made", async () => {
    expect((await fetch(serving.url)).headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});

test("logs: neither bodies nor tokens, keys or query strings", async () => {
  const secrets = ["token-1234", "hooks.slack.com/services/T1", "snt_private", "idem-9876", "sign_1private"];
  const headers = { authorization: `Bearer ${secrets[0]}`, "idempotency-key": secrets[3] ?? "" };
  const body = `{"image": "a", "slack_webhook_url": "https://${secrets[1]}"}`;
  await post(`${serving.url}/${ROLLOUTS}/singleton/Rollout`, body, headers);
  await post(`${serving.url}/${ROLLOUTS}/Rollout?token=${secrets[0]}`, body, headers);
  await post(`${serving.url}/${ROLLOUTS}/singleton/Rollout`, body.slice(0, -1), headers);
  await post(`${serving.url}/${SENTINELS}/${secrets[2]}/Deploy`, '{"image": "fail:internal"}', headers);
  await post(`${serving.url}/restate/awakeables/${secrets[4]}/resolve`, `"${secrets[1]}"`, headers);
  const log = serving.logged.join("");
  for (const secret of secrets) expect(log).not.toContain(secret);
  expect(log).toContain("restate/awakeables/resolve");
});

describe("RPC paths that are asked in another way", () => {
  test("GET of what changes something: 405 with a sentence", async () => {
    const response = await fetch(`${serving.url}/${SENTINELS}/Deploy`);
    expect([response.status, await response.json()]).toMatchObject([
      405,
      { message: expect.stringContaining("use POST") },
    ]);
  });

  test("GET of a query: answered", async () => {
    const response = await fetch(`${serving.url}/${ROLLOUTS}/GetRollout?encoding=json&message=%7B%7D`);
    expect([response.status, await response.json()]).toMatchObject([200, { rollout: {} }]);
  });

  test("the content-type of a form, as curl sends it by itself: 415 with a sentence", async () => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const response = await post(`${serving.url}/${SENTINELS}/Deploy`, "{}", headers);
    expect([response.status, await response.json()]).toMatchObject([
      415,
      { message: expect.stringContaining("application/json") },
    ]);
  });

  test("a stream both ways over HTTP/1.1: 505 with a sentence", async () => {
    const headers = { "content-type": "application/connect+json" };
    const response = await post(`${serving.url}/grpc.reflection.v1.ServerReflection/ServerReflectionInfo`, "", headers);
    expect([response.status, await response.json()]).toMatchObject([
      505,
      { message: expect.stringContaining("HTTP/2") },
    ]);
  });

  test("an unknown service: unimplemented, with a sentence", async () => {
    const response = await post(`${serving.url}/acme.Nope/Do`, "", { "content-type": "application/grpc-web+proto" });
    expect(response.headers.get("grpc-status")).toBe(String(Code.Unimplemented));
    expect(decodeURIComponent(response.headers.get("grpc-message") ?? "")).toBe("service acme.Nope is not served here");
  });
});

describe("health", () => {
  test("over gRPC: the server and its services serve; an unknown one is not found", async () => {
    const transport = createGrpcTransport({ baseUrl: serving.url, idleConnectionTimeoutMs: 100 });
    const health = createClient(Health, transport);
    expect((await health.check({})).status).toBe(ServingStatus.SERVING);
    expect((await health.check({ service: SENTINELS })).status).toBe(ServingStatus.SERVING);
    expect(await health.check({ service: "nope" }).catch(ConnectError.from)).toMatchObject({ code: Code.NotFound });
    expect((await health.list({})).statuses[SENTINELS]?.status).toBe(ServingStatus.SERVING);
    const watched: ServingStatus[] = [];
    for await (const { status } of health.watch({ service: "nope" })) {
      watched.push(status);
      break;
    }
    expect(watched).toEqual([ServingStatus.SERVICE_UNKNOWN]);
  });
});
