import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { startAnsweringServer } from "./answering-server.ts";
import { hydra } from "./hydra-in-process.ts";
import { startScriptedServer } from "./scripted-server.ts";

refuseLeaks();

const UNLUCKY_PORT = "http://127.0.0.1:1";

describe("what answers is no hydra", () => {
  test.each([
    [{}, /no hydra \(it answers text\/html\).*--url/, 5],
    [{ type: "application/json", body: "[]" }, /no hydra \(it answers application\/json\)/, 5],
    [{ status: 404 }, /no hydra \(it answers HTTP 404\)/, 5],
    [{ status: 302 }, /no hydra \(it answers HTTP 302\)/, 5],
    [{ status: 500 }, /no hydra \(it answers HTTP 500\)/, 5],
    [{ status: 502 }, /proxy at http.* answers 502.*Try again/, 5],
    [{ status: 504 }, /proxy at http.* answers 504/, 5],
    [{ status: 401 }, /asks for a token: HTTP 401\. Give a token with --token or HYDRA_TOKEN/, 1],
    [{ status: 403 }, /HTTP 403\. Give a token with --token or HYDRA_TOKEN/, 1],
  ])("an answer of %j: said, and what to do", async (answer, words, exitCode) => {
    await using server = await startAnsweringServer(answer);
    const result = await hydra(`http://127.0.0.1:${server.port}`, ["status"]);
    expect(result.complaints.join("\n")).toMatch(words);
    expect(result.exitCode).toBe(exitCode);
    expect(result.printed).toEqual([]);
  });

  test("nobody listens: says how to start one", async () => {
    const { exitCode, complaints } = await hydra(UNLUCKY_PORT, ["history"]);
    expect(complaints).toEqual([
      `no hydra at ${UNLUCKY_PORT}. Start one with \`hydra dev\`, or say where it is with --url or HYDRA_URL.`,
    ]);
    expect(exitCode).toBe(5);
  });

  test("a host that is unknown: says so", async () => {
    const { exitCode, complaints } = await hydra("http://no-such-host.invalid", ["status"]);
    expect(complaints.join()).toMatch(/host name is unknown/);
    expect(exitCode).toBe(5);
  });
});

describe("TLS", () => {
  test("https to a plain server: names http", async () => {
    await using server = await startAnsweringServer({});
    const { exitCode, complaints } = await hydra(`https://127.0.0.1:${server.port}`, ["status"]);
    expect(complaints.join()).toMatch(/does not speak TLS.*use http:\/\//);
    expect(exitCode).toBe(5);
  });

  test("a certificate that nobody vouches for, http to a TLS server: both say what to do", async () => {
    await using directory = await createTemporaryDirectory();
    await using server = await startAnsweringServer({}, selfSigned(directory.path));
    const untrusted = await hydra(`https://127.0.0.1:${server.port}`, ["status"]);
    expect(untrusted.complaints.join()).toMatch(/certificate .* is not trusted here.*HYDRA_CA_FILE/);
    expect(untrusted.exitCode).toBe(5);
    const plain = await hydra(`http://127.0.0.1:${server.port}`, ["status"]);
    expect(plain.complaints.join()).toMatch(/no connection to http:.*Is hydra running there/);
    expect(plain.exitCode).toBe(5);
  });
});

describe("a hydra that refuses", () => {
  test.each([
    [
      Code.Unauthenticated,
      undefined,
      "no token came",
      /asks for a token: no token came\. Give a token with --token/,
      1,
    ],
    [Code.Unauthenticated, "wrong", "unknown token", /unknown token\. It does not take the one from --token/, 1],
    [
      Code.PermissionDenied,
      "viewer",
      "this takes the role operator",
      /takes the role operator\. The token given has not/,
      1,
    ],
    [
      Code.FailedPrecondition,
      undefined,
      "no paused rollout to resume",
      /no paused rollout to resume\. See .*hydra status/,
      1,
    ],
    [Code.InvalidArgument, undefined, "bad\u001b[2Jimage", /^bad \[2Jimage$/, 1],
    [Code.NotFound, undefined, 'there is no rollout "x"', /there is no rollout "x"/, 1],
    [Code.Unavailable, undefined, "the database does not answer", /cannot answer now: the database does not answer/, 5],
    [
      Code.Unimplemented,
      undefined,
      "hydra.v1.S has no method GetRollout",
      /older than this command \(hydra.v1.S has no/,
      1,
    ],
  ])("code %i with token %s: its words, what to do, the exit code", async (code, token, message, words, exitCode) => {
    const service = { getRollout: () => Promise.reject(new ConnectError(message, code)) };
    await using server = await startScriptedServer({ events: [], service });
    const result = await hydra(server.url, ["status"], token === undefined ? {} : { token });
    expect(result.complaints.join("\n")).toMatch(words);
    expect(result.exitCode).toBe(exitCode);
  });

  test("an address with a path that reaches hydra: the path may be what is wrong", async () => {
    const body = JSON.stringify({ code: "unimplemented", message: "service 'hydra' not found" });
    await using server = await startAnsweringServer({ status: 404, type: "application/json", body });
    const { exitCode, complaints } = await hydra(`http://127.0.0.1:${server.port}/hydra`, ["status"]);
    expect(complaints.join()).toMatch(/older than this command, or the path in its URL is wrong \(service 'hydra'/);
    expect(exitCode).toBe(1);
  });

  test("Ctrl-C before the answer: 130, without a word", async () => {
    const interrupt = new AbortController();
    const service = {
      getRollout: () => {
        interrupt.abort();
        return new Promise<never>(() => {});
      },
    };
    await using server = await startScriptedServer({ events: [], service });
    const result = await hydra(server.url, ["status"], { interrupted: interrupt.signal });
    expect(result).toEqual({ exitCode: 130, printed: [], complaints: [] });
  });
});

describe("an address or a token that cannot be used", () => {
  test.each([
    ["127.0.0.1:8080", /is no address.*http:\/\/ or https:\/\//],
    ["ftp://host", /is no address/],
    ["", /is no address/],
    ["http://admin:hunter2@127.0.0.1:8080", /names a user.*--token/],
    ["http://127.0.0.1:8080/?tenant=1", /has a part after its path/],
    ["http://127.0.0.1:8080/#top", /has a part after its path/],
  ])("--url %j, or the same from the environment: wrong usage, and no secret is shown", async (url, words) => {
    for (const result of [await hydra(UNLUCKY_PORT, ["status", `--url=${url}`]), await hydra(url, ["status"])]) {
      expect(result.complaints.join()).toMatch(words);
      expect(result.complaints.join()).not.toContain("hunter2");
      expect(result.exitCode).toBe(2);
    }
  });

  test.each([
    ["", /is empty/],
    ["two words", /has characters that no token has/],
    ["line\r\nInjected: header", /has characters/],
  ])("--token %j: wrong usage, and the token is not shown", async (token, words) => {
    const { complaints, exitCode } = await hydra(UNLUCKY_PORT, ["status", `--token=${token}`]);
    expect(complaints.join()).toMatch(words);
    expect(complaints.join()).not.toContain(token || "token=");
    expect(exitCode).toBe(2);
  });

  test("a path in the address, with slashes at its end: every call goes below it", async () => {
    await using server = await startAnsweringServer({ status: 404 });
    await hydra(`http://127.0.0.1:${server.port}/behind/proxy//`, ["status"]);
    expect(server.paths).toEqual(["/behind/proxy/hydra.v1.SentinelRolloutService/GetRollout"]);
  });

  test("a token: goes along as a bearer", async () => {
    const seen: (string | null)[] = [];
    const getRollout = (_request: unknown, context: { requestHeader: Headers }) => {
      seen.push(context.requestHeader.get("authorization"));
      return {};
    };
    await using server = await startScriptedServer({ events: [], service: { getRollout } });
    await hydra(server.url, ["status"], { token: "from-environment" });
    await hydra(server.url, ["status", "--token", "from-flag"], { token: "from-environment" });
    expect(seen).toEqual(["Bearer from-environment", "Bearer from-flag"]);
  });
});

/** A certificate that names its own key as its authority. */
function selfSigned(directory: string): { key: string; cert: string } {
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => path.join(directory, name)) as [string, string];
  const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  execFileSync("openssl", [...request, "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", cert], { stdio: "ignore" });
  return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
}
