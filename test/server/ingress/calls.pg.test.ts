import { once } from "node:events";
import http2 from "node:http2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { post, ROLLOUTS, SENTINELS, serve, type Serving } from "../serving.ts";

refuseLeaks();

const INVOCATION_ID = /^inv_1[0-9A-Za-z]{10}$/;

let serving: Serving;
let sentinels: string;
let rollouts: string;

beforeAll(async () => {
  serving = await serve({ maxBodyBytes: 10_000 });
  sentinels = `${serving.url}/${SENTINELS}`;
  rollouts = `${serving.url}/${ROLLOUTS}`;
});

afterAll(() => serving[Symbol.asyncDispose]());

async function expectRefusal(
  response: Response,
  status: number,
  source: string,
  message: RegExp | string,
): Promise<void> {
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(response.headers.get("x-restate-error-source")).toBe(source);
  const body = (await response.json()) as { code: number; message: string; source: string };
  expect(Object.keys(body)).toEqual(["code", "message", "source"]);
  expect(body).toMatchObject({ code: status, source });
  expect(body.message).toMatch(typeof message === "string" ? exactly(message) : message);
  expect(response.status).toBe(status);
}

function exactly(text: string): RegExp {
  return new RegExp(`^${text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)}$`);
}

describe("a call", () => {
  test("succeeds: 200, the invocation's id, proto JSON with zero values left out", async () => {
    const response = await post(`${rollouts}/singleton/Rollout`, '{"image": "a"}');
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("x-restate-id")).toMatch(INVOCATION_ID);
    expect(response.headers.has("idempotency-expires")).toBe(false);
    expect(response.headers.has("access-control-allow-origin")).toBe(false);
    expect(await response.json()).toEqual({ state: "SENTINEL_ROLLOUT_STATE_COMPLETED", rolloutId: "a " });
  });

  test("an empty answer: {}", async () => {
    const response = await post(`${sentinels}/snt_void/NotifyReady`, "{}");
    expect([response.status, await response.text()]).toEqual([200, "{}"]);
  });

  test.each(["", "/restate/call"])("under '%s': the same handler", async (prefix) => {
    const response = await post(`${serving.url}${prefix}/${SENTINELS}/snt_prefix/Deploy`, '{"image": "a"}');
    expect(response.status).toBe(200);
  });

  test.each([
    ["snake_case", '{"image":"a","cpu_millicores":1,"desired_replicas":"2"}'],
    ["lowerCamelCase", '{"image":"a","cpuMillicores":1,"desiredReplicas":2,"memoryMib":null}'],
  ])("names in %s: understood, the key filled in from the path", async (_spelling, body) => {
    const response = await post(`${sentinels}/snt_names/Deploy`, body);
    const { reason } = (await response.json()) as { reason: string };
    expect(JSON.parse(reason)).toEqual({ image: "a", cpuMillicores: 1, desiredReplicas: 2, sentinelId: "snt_names" });
  });

  test("content-type in another case with a charset, empty body: taken as {}", async () => {
    const response = await post(`${sentinels}/snt_empty/Deploy`, undefined, {
      "content-type": "Application/JSON; charset=utf-8",
    });
    expect(response.status).toBe(200);
  });

  test("a bearer token: ignored", async () => {
    const response = await post(`${rollouts}/singleton/Cancel`, "{}", { authorization: "Bearer token-of-an-operator" });
    expect(response.status).toBe(200);
  });

  test.each([
    ["invalid", 400],
    ["out_of_range", 400],
    ["not_found", 404],
    ["already_exists", 409],
    ["conflict", 409],
    ["cancelled", 409],
    ["killed", 409],
    ["exhausted", 429],
    ["internal", 500],
    ["unavailable", 503],
    ["timeout", 504],
  ])("its handler fails as %s: %d with the invocation's id", async (kind, status) => {
    const response = await post(`${sentinels}/snt_${kind}/Deploy`, JSON.stringify({ image: `fail:${kind}` }));
    expect(response.headers.get("x-restate-id")).toMatch(INVOCATION_ID);
    await expectRefusal(response, status, "invocation", `failed as asked: ${kind}`);
  });

  test("its handler refuses it at the door: 409 without an id, also on /send, and nothing is left", async () => {
    for (const suffix of ["", "/send"]) {
      const response = await post(`${sentinels}/snt_refused/Deploy${suffix}`, '{"image": "refuse"}');
      expect(response.headers.has("x-restate-id")).toBe(false);
      await expectRefusal(response, 409, "invocation", "refused at the door");
    }
    expect(await serving.engine.listInvocations({ key: "snt_refused", limit: 1 })).toEqual([]);
  });
});

describe("a send", () => {
  test("accepted: 202 with the id at once, and the call is made", async () => {
    const response = await post(`${sentinels}/snt_send/Deploy/send`, '{"image": "a"}');
    expect(response.status).toBe(202);
    const body = (await response.json()) as { invocationId: string };
    expect(body).toEqual({ invocationId: expect.stringMatching(INVOCATION_ID), status: "Accepted" });
    expect(response.headers.get("x-restate-id")).toBe(body.invocationId);
    await eventually(() => expect(serving.runs("snt_send")).toBe(1));
  });

  test("under /restate/send: the same", async () => {
    const response = await post(`${serving.url}/restate/send/${SENTINELS}/snt_send2/Deploy`, '{"image": "a"}');
    expect([response.status, await response.json()]).toMatchObject([202, { status: "Accepted" }]);
  });

  test("delayed: 202 tells when it will run, and it has not run", async () => {
    const before = Date.now();
    const response = await post(`${sentinels}/snt_later/Deploy/send?Delay=1h`, '{"image": "a"}');
    const body = (await response.json()) as { executionTime: string };
    expect(Object.keys(body)).toEqual(["invocationId", "executionTime", "status"]);
    expect(body.executionTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    expect(Date.parse(body.executionTime) - before).toBeGreaterThan(3_590_000);
    expect(serving.runs("snt_later")).toBe(0);
  });

  test.each(["soon", "10", "-5s", ""])("delay '%s': 400", async (delay) => {
    const response = await post(`${sentinels}/snt_x/Deploy/send?delay=${delay}`, "{}");
    await expectRefusal(response, 400, "ingress", /^bad delay query parameter, must be a ISO8601 duration: /);
  });

  test.each(["Rollout", "Cancel"])("%s with a delay: refused", async (handler) => {
    const response = await post(`${rollouts}/singleton/${handler}/send?delay=1s`, "{}");
    await expectRefusal(response, 400, "ingress", new RegExp(`^${handler} cannot be delayed`));
  });

  test("a delay on a call: 400", async () => {
    await expectRefusal(
      await post(`${sentinels}/snt_x/Deploy?delay=1s`, "{}"),
      400,
      "ingress",
      "cannot use the delay query parameter with calls. The delay is supported only with sends",
    );
  });
});

describe("idempotency-key", () => {
  test("a call repeated: the same id and answer, and until when it is kept; the handler ran once", async () => {
    const call = () => post(`${sentinels}/snt_idem/Deploy`, '{"image": "a"}', { "idempotency-key": "key one" });
    const first = await call();
    const again = await call();
    expect(again.headers.get("x-restate-id")).toBe(first.headers.get("x-restate-id"));
    expect(await again.text()).toBe(await first.text());
    expect(first.headers.has("idempotency-expires")).toBe(false);
    expect(again.headers.get("idempotency-expires")).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/);
    expect(serving.runs("snt_idem")).toBe(1);
  });

  test("a failure repeated: the same failure", async () => {
    const call = () => post(`${sentinels}/snt_idem2/Deploy`, '{"image": "fail:conflict"}', { "idempotency-key": "k" });
    const [first, again] = [await call(), await call()];
    expect(again.status).toBe(409);
    expect(await again.json()).toEqual(await first.json());
    expect(serving.runs("snt_idem2")).toBe(1);
  });

  test("a send repeated, and a call after it: the same invocation", async () => {
    const headers = { "idempotency-key": "k" };
    const first = await post(`${sentinels}/snt_idem3/Deploy/send`, "{}", headers);
    const again = await post(`${sentinels}/snt_idem3/Deploy/send`, "{}", headers);
    const { invocationId } = (await first.json()) as { invocationId: string };
    expect([again.status, await again.json()]).toEqual([202, { invocationId, status: "PreviouslyAccepted" }]);
    const call = await post(`${sentinels}/snt_idem3/Deploy`, "{}", headers);
    expect(call.headers.get("x-restate-id")).toBe(invocationId);
  });

  test("the same key for another sentinel: another invocation", async () => {
    const ids = await Promise.all(
      ["snt_idem4", "snt_idem5"].map((key) => post(`${sentinels}/${key}/Deploy`, "{}", { "idempotency-key": "k" })),
    );
    expect(new Set(ids.map((response) => response.headers.get("x-restate-id"))).size).toBe(2);
  });

  test("very long: 400", async () => {
    const response = await post(`${sentinels}/snt_x/Deploy`, "{}", { "idempotency-key": "k".repeat(1_000) });
    await expectRefusal(response, 400, "invocation", /1000 characters, at most 512/);
  });
});

describe("refused by the ingress", () => {
  test.each([
    ["/nope/key/Handler", 404, "service 'nope' not found, make sure to register the service before calling it."],
    ["/nope/Handler", 404, "service 'nope' not found, make sure to register the service before calling it."],
    [
      `/${SENTINELS}/snt_1/Nope`,
      404,
      `the service '${SENTINELS}' exists, but the handler 'Nope' was not found, check that the handler exists in the latest registered service version.`,
    ],
    [`/${SENTINELS}/Deploy/send`, 404, /the handler 'send' was not found/],
    [`/${SENTINELS}/snt_1/Hidden`, 400, "the invoked service is not public"],
    [
      `/${SENTINELS}/snt_1/GetSentinel`,
      404,
      /is no handler but a query: call it at \/hydra.v1.SentinelService\/GetSentinel$/,
    ],
    [`/${SENTINELS}/snt_1/Deploy/later`, 400, /^bad path, expected either/],
    [`/restate/call/${SENTINELS}/Deploy`, 400, /^bad path, expected either/],
    ["/x", 400, "bad path: /x"],
    [`/${SENTINELS}/%FF/Deploy`, 400, /not UTF-8/],
    [`/${SENTINELS}//Deploy`, 400, /the path has no key/],
    [`/${SENTINELS}/a%00b/Deploy`, 400, /is not text/],
    [`/${SENTINELS}/${"k".repeat(2_000)}/Deploy`, 400, /longer than 1024 bytes/],
    [`/${ROLLOUTS}/other/Rollout`, 400, `${ROLLOUTS} has the one key "singleton", not "other"`],
    [`/${ROLLOUTS}/Resume/send`, 404, /the handler 'send' was not found/],
  ])("%s: %d", async (path, status, message) => {
    await expectRefusal(await post(serving.url + path, "{}"), status, "ingress", message);
  });

  test.each(["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])("%s: 405", async (method) => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${sentinels}/snt_1/Deploy`, { method, headers });
    await expectRefusal(response, 405, "ingress", "method not allowed");
  });

  test("the path is judged before the method", async () => {
    await expectRefusal(await fetch(`${sentinels}/snt_1/Nope`), 404, "ingress", /Nope/);
  });

  test("content-type missing: 400, with an empty body too", async () => {
    const response = await fetch(`${rollouts}/singleton/Cancel`, { method: "POST" });
    await expectRefusal(response, 400, "ingress", "input validation error: Empty content-type");
  });

  test("another content-type, as a web page can send it: 400", async () => {
    const response = await post(`${rollouts}/singleton/Cancel`, "{}", { "content-type": "text/plain" });
    await expectRefusal(
      response,
      400,
      "ingress",
      "input validation error: Content-type 'text/plain' does not match 'application/json'",
    );
  });

  test("the body names another key than the path: 400 naming both", async () => {
    const response = await post(`${sentinels}/snt_a/Deploy`, '{"sentinelId": "snt_b"}');
    await expectRefusal(response, 400, "ingress", /sentinel_id is "snt_b" in the body but "snt_a" in the path/);
  });
});

describe("a body that does not decode: 400 at once", () => {
  const decoded = "request could not be decoded into handler input type: proto: ";

  test.each([
    ["malformed JSON", "{bad", /the body is not valid JSON$/],
    ["an unknown field", '{"imagee": "a"}', /"imagee" is unknown/],
    ["a wrong type", '{"image": 5}', /image/],
    ["a number out of range", '{"cpu_millicores": 99999999999}', /cpu_millicores/],
    ["no object", "[]", /cannot decode message/],
    ["a field given twice", '{"cpu_millicores": 1, "cpuMillicores": 2}', /multiple times/],
    ["bytes that are not UTF-8", Uint8Array.of(0x7b, 0xff, 0x7d), /not valid UTF-8$/],
  ])("%s", async (_what, body, message) => {
    for (const suffix of ["", "/send"]) {
      const response = await post(`${sentinels}/snt_undecoded/Deploy${suffix}`, body);
      expect(response.headers.has("x-restate-id")).toBe(false);
      await expectRefusal(response, 400, "invocation", new RegExp(`^${decoded}.*${message.source}`));
    }
    expect(await serving.engine.listInvocations({ key: "snt_undecoded", limit: 1 })).toEqual([]);
  });

  test("malformed with a secret in it: the answer does not quote it", async () => {
    const response = await post(
      `${rollouts}/singleton/Rollout`,
      '{"slack_webhook_url": https://hooks.slack.com/secret}',
    );
    expect(await response.text()).not.toContain("hooks");
  });
});

describe("a body over the limit: 413", () => {
  test("its length is told: at once", async () => {
    const response = await post(`${sentinels}/snt_1/Deploy`, JSON.stringify({ image: "x".repeat(20_000) }));
    await expectRefusal(response, 413, "ingress", /^length limit exceeded: the body has more than 10000 bytes$/);
  });

  test("chunked: as soon as it is over", async () => {
    const response = await fetch(`${sentinels}/snt_1/Deploy`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: new Blob(["x".repeat(5_000_000)]).stream(),
      duplex: "half",
    });
    await expectRefusal(response, 413, "ingress", /^length limit exceeded/);
  });
});

test("HTTP/2: answered alike, a body over the limit too", async () => {
  const session = http2.connect(serving.url);
  const over = async (body: string) => {
    const path = `/${SENTINELS}/snt_h2/Deploy`;
    const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/json" });
    stream.on("error", () => {});
    stream.end(body);
    const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
    let text = "";
    for await (const chunk of stream) text += String(chunk);
    return [headers[":status"], JSON.parse(text) as unknown];
  };
  expect(await over('{"image": "a"}')).toMatchObject([200, { status: "SENTINEL_DEPLOY_STATUS_READY" }]);
  expect(await over("x".repeat(5_000_000))).toMatchObject([413, { code: 413, source: "ingress" }]);
  session.close();
  await once(session, "close");
});

describe("a query on the one key of an object", () => {
  test("GetRollout: answered", async () => {
    const response = await post(`${rollouts}/singleton/GetRollout`, "{}");
    expect([response.status, await response.json()]).toEqual([
      200,
      { rollout: { state: "SENTINEL_ROLLOUT_STATE_IDLE" } },
    ]);
  });

  test("refused by the query: its code and sentence", async () => {
    const response = await post(`${rollouts}/singleton/GetRollout`, '{"rollout_id": "nope"}');
    await expectRefusal(response, 404, "invocation", /nope/);
  });

  test("a stream: 404, where to find it", async () => {
    const response = await post(`${rollouts}/singleton/Watch`, "{}");
    await expectRefusal(response, 404, "ingress", /call it at \/hydra.v1.SentinelRolloutService\/Watch$/);
  });
});
