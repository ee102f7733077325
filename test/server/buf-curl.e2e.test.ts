import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { refuseLeaks } from "../support/leaks.ts";
import { ROLLOUTS, SENTINELS, serve, type Serving } from "./serving.ts";

// A foreign client that knows no schema: it asks the server for it.

refuseLeaks();

const BUF = path.resolve(import.meta.dirname, "../../node_modules/.bin/buf");
const run = promisify(execFile);

let serving: Serving;

beforeAll(async () => {
  serving = await serve();
});

afterAll(() => serving[Symbol.asyncDispose]());

function bufCurl(...args: string[]): Promise<{ stdout: string }> {
  return run(BUF, ["curl", "--http2-prior-knowledge", ...args]);
}

test.each(["connect", "grpc", "grpcweb"])("buf curl over %s: calls a handler", async (protocol) => {
  const body = JSON.stringify({ sentinel_id: "snt_buf", image: "a" });
  const { stdout } = await bufCurl("--protocol", protocol, "-d", body, `${serving.url}/${SENTINELS}/Deploy`);
  expect(JSON.parse(stdout)).toMatchObject({ status: "SENTINEL_DEPLOY_STATUS_READY" });
});

test("buf curl: lists the methods", async () => {
  const { stdout } = await bufCurl("--list-methods", serving.url);
  expect(stdout.split("\n")).toEqual(
    expect.arrayContaining([`${ROLLOUTS}/Rollout`, `${SENTINELS}/Deploy`, "grpc.health.v1.Health/Check"]),
  );
});

test("buf curl: shows an error's code and sentence", async () => {
  const call = bufCurl("--protocol", "grpc", "-d", "{}", `${serving.url}/${SENTINELS}/Deploy`);
  await expect(call).rejects.toMatchObject({ stderr: expect.stringContaining("sentinel_id is required") });
});
