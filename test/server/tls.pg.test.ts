import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { authorityFromFile, createHydraClient } from "../../src/client/index.ts";
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from "../../src/gen/health/v1/health_pb.ts";
import { hydra } from "../cli/hydra-in-process.ts";
import { TestAuthority, type TestCertificate } from "../support/certificates.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { ROLLOUTS, serve, type Serving } from "./serving.ts";

refuseLeaks();

const run = promisify(execFile);
const BUF = path.resolve(import.meta.dirname, "../../node_modules/.bin/buf");

let scope: AsyncDisposableStack;
let authority: TestAuthority;
let files: TestCertificate;
let serving: Serving;

beforeAll(async () => {
  scope = new AsyncDisposableStack();
  const directory = scope.use(await createTemporaryDirectory());
  authority = new TestAuthority(directory.path);
  files = authority.issue("server");
  serving = scope.use(await serve({ tls: files }));
});

afterAll(() => scope.disposeAsync());

async function curl(...args: readonly string[]): Promise<string> {
  return (await run("curl", ["-sS", "--cacert", authority.caFile, ...args])).stdout;
}

describe("a server with a certificate", () => {
  test("its URL: https", () => {
    expect(serving.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  });

  test.each(["connect", "grpc", "grpc-web"] as const)("the typed client over %s: answered", async (protocol) => {
    const pem = authorityFromFile(authority.caFile);
    const client = createHydraClient({ baseUrl: serving.url, protocol, authority: pem });
    const { services } = await client.engine.listServices({});
    expect(services.map(({ name }) => name)).toContain(ROLLOUTS);
  });

  test.each([
    ["--http1.1", "1.1"],
    ["--http2", "2"],
  ])("curl %s: HTTP/%s, on Connect and on the ingress", async (flag, version) => {
    const told = ["-w", " HTTP/%{http_version}", "-H", "content-type: application/json", "-d", "{}"];
    for (const way of ["", "singleton/"]) {
      const answer = await curl(flag, ...told, `${serving.url}/${ROLLOUTS}/${way}Cancel`);
      expect(answer).toBe(`{} HTTP/${version}`);
    }
  });

  test("buf curl over gRPC with the authority's file: answered by reflection", async () => {
    const args = ["curl", "--cacert", authority.caFile, "--protocol", "grpc", "-d", "{}"];
    const { stdout } = await run(BUF, [...args, `${serving.url}/${ROLLOUTS}/Cancel`]);
    expect(JSON.parse(stdout)).toEqual({});
  });

  test("a stream: its messages come as they are sent", async () => {
    const ca = readFileSync(authority.caFile);
    const transport = createGrpcTransport({ baseUrl: serving.url, nodeOptions: { ca } });
    const over = new AbortController();
    const stream = createClient(Health, transport).watch({}, { signal: over.signal })[Symbol.asyncIterator]();
    expect((await stream.next()).value?.status).toBe(ServingStatus.SERVING);
    over.abort();
    await expect(stream.next()).rejects.toMatchObject({ code: Code.Canceled });
  });

  test("a page of the server's own origin may call, another one may not", async () => {
    const call = (origin: string) =>
      curl(
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "-H",
        `origin: ${origin}`,
        "--json",
        "{}",
        `${serving.url}/${ROLLOUTS}/Cancel`,
      );
    expect(await call(serving.url)).toBe("200");
    expect(await call("https://evil.example")).toBe("403");
  });

  test("plain HTTP: told to use https", async () => {
    const answer = await fetch(`http://127.0.0.1:${serving.server.port}/healthz`);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain("use https://");
  });
});

describe("the command line", () => {
  test("with the file of the authority: works", async () => {
    const { exitCode, complaints } = await hydra(serving.url, ["invocations", "list"], { caFile: authority.caFile });
    expect(complaints).toEqual([]);
    expect(exitCode).toBe(0);
  });

  test("without it: exit code 5, the setting is named", async () => {
    const { exitCode, complaints } = await hydra(serving.url, ["invocations", "list"]);
    expect(complaints.join()).toMatch(/certificate .* is not trusted here.*HYDRA_CA_FILE/);
    expect(exitCode).toBe(5);
  });

  test.each([
    ["/nowhere/ca.pem", "cannot be read (ENOENT)"],
    [import.meta.filename, "has no certificate that can be read"],
  ])("with %s as that file: told what is wrong with it", async (caFile, problem) => {
    const { exitCode, complaints } = await hydra(serving.url, ["invocations", "list"], { caFile });
    expect(complaints.join()).toContain(problem);
    expect(exitCode).toBe(1);
  });
});

test("the files that cannot be served at the start: refused", async () => {
  const other = authority.issue("other");
  const mixed = { certFile: files.certFile, keyFile: other.keyFile };
  await expect(serve({ tls: mixed })).rejects.toThrow(/the key in .* is not that of the certificate/);
  await expect(serve({ tls: { ...files, certFile: "/nowhere" } })).rejects.toThrow("there is no such file");
});
