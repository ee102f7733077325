import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { leftOutWithout } from "./client-tools.ts";
import { type HydraProcess, runHydra, startHydraProcess, urlOf } from "./hydra-process.ts";

// A server with tokens, and the clients that people use: each with the right one, the wrong one and none.

refuseLeaks();

const run = promisify(execFile);
const BUF = path.resolve(import.meta.dirname, "../../node_modules/.bin/buf");
const PROTO = path.resolve(import.meta.dirname, "../../proto");
const ADMIN = "an-admin-token-of-32-characters-or-more";
const ROLLOUTS = "hydra.v1.SentinelRolloutService";

let scope: AsyncDisposableStack;
let dev: HydraProcess;
let url: string;
let tokens: { viewer: string; operator: string };

beforeAll(async () => {
  scope = new AsyncDisposableStack();
  const directory = scope.use(await createTemporaryDirectory());
  const args = ["dev", "--port", "0", "--data-dir", directory.path, "--sentinels", "10", "--converge", "0"];
  dev = scope.use(startHydraProcess(args, { HYDRA_ADMIN_TOKEN: ADMIN }));
  scope.defer(async () => {
    dev.kill("SIGTERM");
    await dev.exited;
  });
  url = await urlOf(dev);
  tokens = { viewer: await createToken("dashboard", "viewer"), operator: await createToken("ci", "operator") };
});

afterAll(() => scope.disposeAsync());

async function createToken(name: string, role: string): Promise<string> {
  const { stdout, exit } = await hydra(ADMIN, "tokens", "create", name, "--role", role);
  expect(exit).toBe(0);
  return stdout.trim();
}

function hydra(token: string | undefined, ...args: string[]) {
  return runHydra(args, { HYDRA_URL: url, ...(token === undefined ? {} : { HYDRA_TOKEN: token }) });
}

/** Runs a program that succeeds or complains. */
async function told(program: string, args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return run(program, args).catch((error: unknown) => error as { stdout: string; stderr: string });
}

describe("the command line", () => {
  test("an operator's token: a rollout to its end; the same from a file by its status", async () => {
    const rollout = await hydra(tokens.operator, "rollout", "acme/sentinel:v2");
    expect(rollout).toMatchObject({ exit: 0, stderr: "" });
    expect((await hydra(tokens.viewer, "status")).stdout).toContain("COMPLETED");
  });

  test.each([
    ["none", undefined, /asks for a token: no token came with this call.*HYDRA_TOKEN/],
    ["a wrong one", "hydra_0123456789abcdef_0", /not known here/],
    ["a viewer's", "viewer", /takes the role operator, token "dashboard" has the role viewer/],
  ])("with %s, a rollout: exit code 1 and what to do, and nothing has begun", async (_what, which, words) => {
    const token = which === "viewer" ? tokens.viewer : which;
    const { exit, stdout, stderr } = await hydra(token, "rollout", "acme/sentinel:v3");
    expect([exit, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(words);
    expect((await hydra(tokens.viewer, "status", "--json")).stdout).not.toContain("v3");
  });

  test("given with a blank in it: wrong usage, and not repeated", async () => {
    const { exit, stderr } = await hydra(`${tokens.viewer} ${tokens.viewer}`, "status");
    expect([exit, stderr]).toEqual([2, expect.stringContaining("characters that no token has")]);
    expect(stderr).not.toContain(tokens.viewer);
  });
});

describe.skipIf(leftOutWithout("grpcurl"))("grpcurl", () => {
  const call = (token: string | undefined, ...rest: string[]) => {
    const header = token === undefined ? [] : ["-H", `authorization: Bearer ${token}`];
    return told("grpcurl", ["-plaintext", ...header, ...rest]);
  };

  test("with a token: the schema by reflection, a call, a stream", async () => {
    const { host } = new URL(url);
    expect((await call(tokens.viewer, host, "list")).stdout).toContain(ROLLOUTS);
    expect((await call(tokens.viewer, host, `${ROLLOUTS}/GetRollout`)).stdout).toContain("acme/sentinel:v2");
    const watched = await call(tokens.viewer, "-max-time", "2", host, `${ROLLOUTS}/Watch`);
    expect(watched.stdout).toContain('"snapshot"');
  });

  test.each([
    ["none", undefined, "list", "no token came with this call"],
    ["a wrong one", "wrong", "list", "not known here"],
    ["a viewer's", "viewer", `${ROLLOUTS}/Cancel`, "takes the role operator"],
  ])("with %s: its status and the server's words", async (_what, which, asked, words) => {
    const { stderr } = await call(which === "viewer" ? tokens.viewer : which, new URL(url).host, asked);
    expect(stderr).toMatch(which === "viewer" ? /PermissionDenied/ : /Unauthenticated/);
    expect(stderr).toContain(words);
  });
});

describe("buf curl", () => {
  const call = (protocol: string, token: string | undefined, method: string, ...schema: string[]) => {
    const header = token === undefined ? [] : ["-H", `Authorization: Bearer ${token}`];
    const args = ["curl", "--http2-prior-knowledge", "--protocol", protocol, ...header, ...schema, "-d", "{}"];
    return told(BUF, [...args, `${url}/${ROLLOUTS}/${method}`]);
  };

  test.each(["connect", "grpc", "grpcweb"])("over %s, with a token: reflection and the call", async (protocol) => {
    const reflection = ["--reflect-header", "*"];
    expect((await call(protocol, tokens.viewer, "GetRollout", ...reflection)).stdout).toContain("acme/sentinel:v2");
    const refused = await call(protocol, tokens.viewer, "Cancel", ...reflection);
    expect(JSON.parse(refused.stderr)).toMatchObject({ code: "permission_denied" });
  });

  test.each(["connect", "grpc", "grpcweb"])("over %s, with a wrong one and with none: told why", async (protocol) => {
    for (const token of ["wrong", undefined]) {
      // Reflection takes a token too, and buf does not say that it lacks one.
      expect((await call(protocol, token, "GetRollout")).stderr).toContain("failed to find service");
      const { stderr } = await call(protocol, token, "GetRollout", "--schema", PROTO);
      expect(JSON.parse(stderr)).toMatchObject({ code: "unauthenticated", message: expect.stringContaining("token") });
    }
  });
});

describe("pages", () => {
  test.each(["/", "/metrics"])("%s: with a token of a viewer only; what probes ask is open", async (page) => {
    const withToken = await fetch(url + page, { headers: { authorization: `Bearer ${tokens.viewer}` } });
    expect([withToken.status, await withToken.text()]).toEqual([200, expect.stringContaining("hydra")]);
    const without = await fetch(url + page);
    expect([without.status, without.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    await without.text();
    for (const probe of ["/healthz", "/readyz"]) expect(await (await fetch(url + probe)).text()).toBe("ok\n");
  });
});

test("what the server has said meanwhile: no token", async () => {
  expect(dev.stdout() + dev.stderr()).not.toMatch(new RegExp(`${ADMIN}|hydra_[0-9a-f]{16}_`));
});
