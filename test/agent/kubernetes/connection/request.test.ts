import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { Credentials } from "../../../../src/agent/kubernetes/connection/credentials.ts";
import { loadConfig } from "../../../../src/agent/kubernetes/connection/kubeconfig.ts";
import { createKubeClient } from "../../../../src/agent/kubernetes/connection/request.ts";
import { refuseLeaks } from "../../../support/leaks.ts";
import { quietLog } from "../../../support/quiet-log.ts";
import { createTemporaryDirectory } from "../../../support/temporary-directory.ts";
import { ApiServer, cut, hang, json, refusal } from "./api-server.ts";

refuseLeaks();

const FINE = json(200, { fine: true });

test.each([
  ["429 with Retry-After", refusal(429, "TooManyRequests", "slow down", { "retry-after": "0" })],
  ["500", refusal(500, "InternalError", "etcd is away")],
  ["503 of a proxy", json(503, { what: "ever" })],
  ["a connection that is cut", cut],
])("%s: the request is tried again and succeeds", async (_situation, trouble) => {
  await using there = await connected(trouble, FINE);
  expect(await there.client.request("GET", "/x")).toEqual({ fine: true });
  expect(there.api.requests).toHaveLength(2);
});

test("a Retry-After beyond one's patience: the refusal is thrown at once", async () => {
  await using there = await connected(refusal(429, "TooManyRequests", "slow down", { "retry-after": "3600" }));
  await expect(there.client.request("GET", "/x")).rejects.toMatchObject({ status: 429, message: "slow down" });
  expect(there.api.requests).toHaveLength(1);
});

test("a server that never answers: the try is given up, and the next one succeeds", async () => {
  await using there = await connected(hang, FINE);
  expect(await there.client.request("GET", "/x")).toEqual({ fine: true });
});

test("a conflict: thrown with the API server's words, not tried again", async () => {
  await using there = await connected(refusal(409, "Conflict", "somebody else has the field"));
  await expect(there.client.request("PATCH", "/x", { body: {} })).rejects.toMatchObject({
    status: 409,
    reason: "Conflict",
    message: "somebody else has the field",
  });
  expect(there.api.requests).toHaveLength(1);
});

test("401 after the kubeconfig has got another token: the request goes through with that one", async () => {
  await using there = await connected(FINE);
  await there.client.request("GET", "/a");
  await there.api.kubeconfig(there.directory, { token: "second" });
  there.api.answers.unshift(refusal(401, "Unauthorized", "Unauthorized"));
  await there.client.request("GET", "/b");
  expect(there.api.requests).toEqual(["GET /a Bearer first", "GET /b Bearer first", "GET /b Bearer second"]);
});

test("401 with fresh credentials, too: thrown after two tries, without the token", async () => {
  await using there = await connected(refusal(401, "Unauthorized", "Unauthorized"));
  const error = await there.client.request("GET", "/x").catch((thrown: Error) => thrown);
  expect(error).toMatchObject({ status: 401 });
  expect(JSON.stringify(error) + String(error)).not.toContain("first");
  expect(there.api.requests).toHaveLength(2);
});

test("a token file that is renewed: a refused request is repeated with the new token", async () => {
  await using there = await connected(FINE);
  const tokenFile = path.join(there.directory, "token");
  await writeFile(tokenFile, "old\n");
  await there.api.kubeconfig(there.directory, { tokenFile: "token" });
  const { client } = there.connect();
  await client.request("GET", "/a");
  await writeFile(tokenFile, "new\n");
  there.api.answers.unshift(refusal(401, "Unauthorized", "Unauthorized"));
  await client.request("GET", "/b");
  expect(there.api.requests).toEqual(["GET /a Bearer old", "GET /b Bearer old", "GET /b Bearer new"]);
});

test("a credential plugin that prints no credential: a sentence without what it printed", async () => {
  await using there = await connected(FINE);
  const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "echo", args: ["topsecret"] };
  await there.api.kubeconfig(there.directory, { exec });
  const { client } = there.connect();
  const error = await client.request("GET", "/x", { patienceMs: 0 }).catch((thrown: Error) => thrown);
  expect(error).toMatchObject({ status: 0, reason: "Credentials" });
  expect(String(error)).not.toContain("topsecret");
});

test("the caller's signal is aborted: the request ends with its reason", async () => {
  await using there = await connected(hang);
  const reason = new Error("enough");
  await expect(there.client.request("GET", "/x", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

async function connected(...answers: Parameters<typeof ApiServer.start>) {
  const directory = await createTemporaryDirectory();
  const api = await ApiServer.start(...answers);
  const kubeconfigFile = await api.kubeconfig(directory.path);
  const opened: Credentials[] = [];
  const connect = () => {
    const credentials = new Credentials({ load: () => loadConfig({ kubeconfigFile }), log: quietLog });
    opened.push(credentials);
    return { client: createKubeClient({ credentials, signal: new AbortController().signal, tryMs: 300 }) };
  };
  return {
    api,
    directory: directory.path,
    connect,
    ...connect(),
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((credentials) => credentials.close()));
      await api[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}
