import http from "node:http";
import { type DescMethod, getOption } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Role, role as roleOption } from "../../../src/gen/hydra/v1/options_pb.ts";
import { SentinelService } from "../../../src/gen/hydra/v1/sentinel_pb.ts";
import { SentinelRolloutService } from "../../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { post, ROLLOUTS, SENTINELS, serve, type Serving } from "../serving.ts";
import { createTokens } from "./token-server.ts";

// What plain HTTP reaches besides RPCs: the ingress, the pages, and paths that mean nothing.

refuseLeaks();

let serving: Serving;
let tokens: Awaited<ReturnType<typeof createTokens>>;
let attached: string;

beforeAll(async () => {
  serving = await serve();
  const open = await post(`${serving.url}/${SENTINELS}/snt_1/Deploy/send`, '{"image": "x"}');
  attached = ((await open.json()) as { invocationId: string }).invocationId;
  tokens = await createTokens(serving.url);
});

afterAll(() => serving[Symbol.asyncDispose]());

const ADMITTED: Readonly<Record<string, readonly string[]>> = {
  anybody: ["nobody", "viewer", "operator", "agent", "admin"],
  viewer: ["viewer", "operator", "admin"],
  operator: ["operator", "admin"],
};

/** Who gets past the door. Who does not, and is told it in another way than it should be, is among them with that. */
async function letIn(method: string, path: string, body?: string): Promise<string[]> {
  const admitted: string[] = [];
  const words = method === "HEAD" ? /^$/ : /takes the role|no token came/;
  for (const who of ["nobody", "viewer", "operator", "agent", "admin"] as const) {
    const token = who === "nobody" ? undefined : tokens[who];
    const answer = await fetch(serving.url + path, {
      method,
      headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.text();
    if (answer.status !== 401 && answer.status !== 403) admitted.push(who);
    else if (answer.status !== (token ? 403 : 401) || !words.test(text)) admitted.push(`${who}: ${text}`);
  }
  return admitted;
}

/** A handler's or query's paths on the ingress, by the role that it takes. */
function ingressPaths(): [string, string][] {
  const keys = new Map([
    [SentinelRolloutService.typeName, "singleton"],
    [SentinelService.typeName, "snt_1"],
  ]);
  const methods: DescMethod[] = [...SentinelRolloutService.methods, ...SentinelService.methods];
  return methods.flatMap((method) => {
    const { typeName } = method.parent;
    const target = `${typeName}/${keys.get(typeName)}/${method.name}`;
    const needed = getOption(method, roleOption) === Role.VIEWER ? "viewer" : "operator";
    const paths = [
      `/${target}`,
      `/${target}/`,
      `/${target}/send`,
      `/restate/call/${target}`,
      `/restate/send/${target}`,
    ];
    return paths.map((path): [string, string] => [path, needed]);
  });
}

test("every method on the ingress, called and sent: as its role says", async () => {
  const paths = ingressPaths();
  expect(paths.length).toBeGreaterThan(70);
  for (const [path, needed] of paths) expect([path, await letIn("POST", path, "{}")]).toEqual([path, ADMITTED[needed]]);
});

describe("what else there is", () => {
  test.each([
    ["GET", "/healthz", "anybody"],
    ["GET", "/readyz", "anybody"],
    ["GET", "/restate/health", "anybody"],
    ["GET", "/favicon.ico", "anybody"],
    ["GET", "/", "viewer"],
    ["GET", "/metrics", "viewer"],
    ["HEAD", "/metrics", "viewer"],
    ["POST", "/metrics", "viewer"],
    ["GET", "/restate/invocation/ID/attach", "viewer"],
    ["GET", "/restate/invocation/ID/output", "viewer"],
    ["GET", "/restate/attach/ID", "viewer"],
    ["GET", "/restate/output/ID", "viewer"],
    ["POST", "/restate/lookup", "viewer"],
    ["POST", "/restate/attach", "viewer"],
    ["POST", "/restate/output", "viewer"],
    ["POST", "/restate/awakeables/sign_1/resolve", "operator"],
    ["POST", "/restate/a/sign_1/reject", "operator"],
  ])("%s %s: %s", async (method, path, needed) => {
    const target = JSON.stringify({ target: "invocation", invocationId: attached });
    const admitted = await letIn(method, path.replace("ID", attached), method === "POST" ? target : undefined);
    expect(admitted).toEqual(ADMITTED[needed]);
  });

  test.each([
    "/metrics/",
    "//metrics",
    "/METRICS",
    "/%6detrics",
    "/healthz/../metrics",
    "/healthz/",
    "/restate",
    "/restate/health/x",
    "/restate/unknown",
    "/acme.v1.Nothing/Call",
    `/${ROLLOUTS}/Nothing`,
    `/${ROLLOUTS}/rollout`,
    `//${ROLLOUTS}/Rollout`,
    `/${ROLLOUTS}/singleton/rollout`,
    `/${ROLLOUTS}/singleton/Rollout%2Fsend`,
    "/hydra.v1.TokenService/singleton/ListTokens",
    "/hydra.v1.ClusterService/x/ListClusters/send",
    "/a/b/c/d/e/f/g/h",
  ])("%s, which means nothing: a token first, then told so", async (path) => {
    expect(await raw("POST", path, {})).toMatchObject({ status: 401 });
    const told = await raw("POST", path, { authorization: `Bearer ${tokens.admin}` });
    expect([path, told.status]).toEqual([path, expect.toBeOneOf([400, 404])]);
    expect(told.text).not.toMatch(/hydra_|"tokens"/);
  });
});

/** A request as it is written here: neither path nor header is put in order on the way. */
async function raw(method: string, path: string, headers: Record<string, string | string[]>, body = "{}") {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const { port } = new URL(serving.url);
  const call = http.request({ port, path, method, headers: { "content-type": "application/json", ...headers } });
  call.on("error", reject).on("response", (answer) => {
    let text = "";
    answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
  });
  call.end(method === "GET" ? undefined : body);
  return promise;
}

describe("the Authorization header", () => {
  const GET_ROLLOUT = `/${ROLLOUTS}/ListRollouts`;

  test.each(["Bearer TOKEN", "bearer TOKEN", "BEARER TOKEN", "Bearer   TOKEN", "Bearer TOKEN  "])(
    "%j: let in",
    async (authorization) => {
      const told = await raw("POST", GET_ROLLOUT, { authorization: authorization.replace("TOKEN", tokens.viewer) });
      expect(told.status).toBe(200);
    },
  );

  test.each([
    "TOKEN",
    "Token TOKEN",
    "Basic TOKEN",
    "BearerTOKEN",
    "Bearer:TOKEN",
    "Bearer\tTOKEN",
    'Bearer "TOKEN"',
    "Bearer TOKEN, Bearer TOKEN",
    "Bearer TOKEN TOKEN",
    "Bearer TOKEN;",
    "Bearer xTOKEN",
    "Bearer TOKENx",
    "Bearer",
    "Bearer ",
    "Bearer hydra__",
    "Bearer null",
    `Bearer ${"x".repeat(9_000)}`,
  ])("%.40j: refused, and not repeated", async (authorization) => {
    const { status, text } = await raw("POST", GET_ROLLOUT, {
      authorization: authorization.replaceAll("TOKEN", tokens.viewer),
    });
    expect([status, JSON.parse(text)]).toEqual([401, expect.objectContaining({ code: "unauthenticated" })]);
    expect(text).not.toContain(tokens.viewer);
  });

  test("in capitals, as a secret would be typed from a screen: another token", async () => {
    const authorization = `Bearer ${tokens.viewer.toUpperCase()}`;
    expect((await raw("POST", GET_ROLLOUT, { authorization })).status).toBe(401);
  });

  test("a token elsewhere (query, cookie, other headers, user and password): none came", async () => {
    const token = tokens.admin;
    const before = serving.logged.length;
    for (const query of [`token=${token}`, `access_token=${token}`, `authorization=Bearer%20${token}`]) {
      const message = "connect=v1&encoding=json&message=%7B%7D";
      for (const path of [`${GET_ROLLOUT}?${message}&${query}`, `/metrics?${query}`, `/?${query}`]) {
        expect([path, (await raw("GET", path, {})).status]).toEqual([path, 401]);
      }
      const told = await raw("POST", `/${ROLLOUTS}/singleton/Rollout/send?${query}`, {});
      expect([told.status, told.text]).toEqual([401, expect.stringContaining("no token came")]);
    }
    for (const headers of [
      { cookie: `authorization=Bearer ${token}; token=${token}` },
      { "x-authorization": `Bearer ${token}` },
      { "proxy-authorization": `Bearer ${token}` },
      { "x-api-key": token },
      { authorization: `Basic ${Buffer.from(`admin:${token}`).toString("base64")}` },
    ]) {
      expect((await raw("POST", GET_ROLLOUT, headers)).status).toBe(401);
    }
    expect(serving.logged.slice(before).join()).not.toContain(token);
  });

  test("a page of another origin: kept out with a token too, and allowed nothing when it asks before", async () => {
    const authorization = `Bearer ${tokens.admin}`;
    const told = await raw("POST", `/${ROLLOUTS}/Cancel`, { authorization, origin: "https://evil.example" });
    expect([told.status, told.text]).toEqual([403, expect.stringContaining("evil.example")]);
    const preflight = { origin: "https://evil.example", "access-control-request-method": "POST" };
    const answer = await fetch(`${serving.url}/${ROLLOUTS}/Cancel`, { method: "OPTIONS", headers: preflight });
    expect([answer.ok, answer.headers.get("access-control-allow-origin")]).toEqual([false, null]);
    await answer.text();
  });
});
