import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { CredentialPlugin } from "../../../../src/agent/kubernetes/connection/credential-plugin.ts";
import { refuseLeaks } from "../../../support/leaks.ts";
import { json, refusal } from "./api-server.ts";
import { type Connected, connected } from "./connected.ts";

refuseLeaks();

const FINE = json(200, { fine: true });
const UNAUTHORIZED = refusal(401, "Unauthorized", "Unauthorized");

test("401 after the kubeconfig has got another token: the request goes through with that one", async () => {
  await using there = await connected(FINE);
  await there.client.request("GET", "/a");
  await there.api.kubeconfig(there.directory, { token: "second" });
  there.api.answers.unshift(UNAUTHORIZED);
  await there.client.request("GET", "/b");
  expect(there.api.requests).toEqual(["GET /a Bearer first", "GET /b Bearer first", "GET /b Bearer second"]);
});

test("401 with fresh credentials, too: thrown after two tries, without the token", async () => {
  await using there = await connected(UNAUTHORIZED);
  const error = await there.client.request("GET", "/x").catch((thrown: Error) => thrown);
  expect(error).toMatchObject({
    status: 401,
    message: "the API server does not accept the agent's credentials: Unauthorized",
  });
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
  there.api.answers.unshift(UNAUTHORIZED);
  await client.request("GET", "/b");
  expect(there.api.requests).toEqual(["GET /a Bearer old", "GET /b Bearer old", "GET /b Bearer new"]);
});

test("a kubeconfig that is broken meanwhile: the old one stays in force, and the next good one counts", async () => {
  await using there = await connected(FINE);
  const { client } = there.connect({ freshMs: 0 });
  await client.request("GET", "/a");
  await writeFile(path.join(there.directory, "kubeconfig"), "users: [");
  await client.request("GET", "/b");
  await there.api.kubeconfig(there.directory, { token: "second" });
  await client.request("GET", "/c");
  expect(there.api.requests).toEqual(["GET /a Bearer first", "GET /b Bearer first", "GET /c Bearer second"]);
});

test.each([
  ["a line break in its middle", "top\nsecret"],
  ["a character that no header can have", "topsecret\u2026"],
])("a token with %s: a sentence without it", async (_, token) => {
  await using there = await connected(FINE);
  await there.api.kubeconfig(there.directory, { token });
  const { client } = there.connect();
  const error = await client.request("GET", "/x", { patienceMs: 0 }).catch((thrown: Error) => thrown);
  expect(error).toMatchObject({ status: 0, reason: "Credentials" });
  expect(String(error)).toContain("Authorization has a line break or a character that no credential has");
  expect(String(error)).not.toContain("secret");
});

test("a client certificate that is none: a sentence, and no second try", async () => {
  await using there = await connected(FINE);
  const data = Buffer.from("topsecret").toString("base64");
  await there.api.kubeconfig(there.directory, { "client-certificate-data": data, "client-key-data": data }, "https:");
  const error = await there
    .connect()
    .client.request("GET", "/x")
    .catch((thrown: Error) => thrown);
  expect(String(error)).toContain("the certificate or the key of the kubeconfig cannot be used");
});

test("a file of the kubeconfig is missing: a sentence that names it", async () => {
  await using there = await connected(FINE);
  await there.api.kubeconfig(there.directory, { tokenFile: "gone" });
  const error = await there
    .connect()
    .client.request("GET", "/x", { patienceMs: 0 })
    .catch((thrown: Error) => thrown);
  expect(String(error)).toContain(
    `no credentials for the cluster: ENOENT: no such file or directory, open '${there.directory}/gone'`,
  );
});

test("a credential plugin: its token is used until it ends or is refused, then it is asked again", async () => {
  await using there = await connected(FINE);
  const { client } = await withPlugin(there, 'echo x >> calls; echo \'{"status":{"token":"\'t$(wc -l < calls)\'"}}\'', {
    freshMs: 0,
  });
  await client.request("GET", "/a");
  await client.request("GET", "/b");
  there.api.answers.unshift(UNAUTHORIZED);
  await client.request("GET", "/c");
  expect(there.api.requests).toEqual(["GET /a Bearer t1", "GET /b Bearer t1", "GET /c Bearer t1", "GET /c Bearer t2"]);
});

test("a credential plugin whose token has ended: it is asked again", async () => {
  await using there = await connected(FINE);
  const past = new Date(0).toISOString();
  const credential = `{"status":{"token":"'t$(wc -l < calls)'","expirationTimestamp":"${past}"}}`;
  const { client } = await withPlugin(there, `echo x >> calls; echo '${credential}'`, { freshMs: 0 });
  await client.request("GET", "/a");
  const asked = await callsOf(there);
  await client.request("GET", "/b");
  expect(await callsOf(there)).toBeGreaterThan(asked);
});

test("everything is refused, again and again: everything is not read anew each time (R5)", async () => {
  await using there = await connected(UNAUTHORIZED);
  const { client } = await withPlugin(there, 'echo x >> calls; echo \'{"status":{"token":"t"}}\'', { renewMs: 60_000 });
  for (const where of ["/a", "/b", "/c"]) {
    await expect(client.request("GET", where)).rejects.toMatchObject({ status: 401 });
  }
  expect(await callsOf(there)).toBe(2);
});

test("a credential plugin is told how it is asked, by variables of its own and the standard's", async () => {
  await using there = await connected(FINE);
  const script = 'printf \'%s %s\' "$FLAVOUR" "$KUBERNETES_EXEC_INFO" > told; echo \'{"status":{"token":"t"}}\'';
  const exec = { env: [{ name: "FLAVOUR", value: "sweet" }], provideClusterInfo: true };
  const { client } = await withPlugin(there, script, {}, exec);
  await client.request("GET", "/a");
  const [flavour, info] = (await readFile(path.join(there.directory, "told"), "utf8")).split(/ (.*)/s);
  expect(flavour).toBe("sweet");
  expect(JSON.parse(info ?? "")).toMatchObject({
    apiVersion: "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    spec: { interactive: false, cluster: { server: there.api.url } },
  });
});

test.each([
  ["fails", "echo token topsecret; echo 'log in first' >&2; exit 3", "plugin has failed (3): log in first"],
  ["prints no credential", "echo topsecret", "is no ExecCredential with a token or a certificate"],
  ["prints an empty credential", 'echo \'{"status":{"topsecret":1}}\'', "is no ExecCredential with a token"],
  ["prints without an end", "yes topsecret", "plugin prints more than any credential has"],
])("a credential plugin that %s: a sentence without what it printed", async (_, script, sentence) => {
  await using there = await connected(FINE);
  const { client } = await withPlugin(there, script);
  const error = await client.request("GET", "/x", { patienceMs: 0 }).catch((thrown: Error) => thrown);
  expect(error).toMatchObject({ status: 0, reason: "Credentials" });
  expect(String(error)).toContain(sentence);
  expect(String(error)).not.toContain("topsecret");
});

test("a credential plugin that is missing: what its kubeconfig says to do about it", async () => {
  await using there = await connected(FINE);
  await there.api.kubeconfig(there.directory, { exec: { command: "./gone", installHint: "get it\nfrom us" } });
  const error = await there
    .connect()
    .client.request("GET", "/x", { patienceMs: 0 })
    .catch((thrown: Error) => thrown);
  expect(String(error)).toContain(`${there.directory}/gone is not there: get it from us`);
});

test("a credential plugin that hangs: it is ended, and that is said", async () => {
  const plugin = new CredentialPlugin(undefined, 50);
  const config = { command: "/bin/sh", args: ["-c", "exec sleep 60"], info: {} };
  const user = { name: "u", authProvider: { name: "credential-plugin", config } };
  await expect(plugin.applyAuthentication(user, {})).rejects.toThrow("does not answer within 0.05 s");
});

test("a credential plugin that hangs: the caller's request ends when its time is up, and the next one gets through", async () => {
  await using there = await connected(FINE);
  const script = 'echo x >> calls; [ $(wc -l < calls) -gt 1 ] || exec sleep 60; echo \'{"status":{"token":"t"}}\'';
  const { client } = await withPlugin(there, script, { readMs: 200 });
  const reason = new Error("enough");
  const stop = new AbortController();
  const ended = client.request("GET", "/a", { signal: stop.signal });
  stop.abort(reason);
  await expect(ended).rejects.toBe(reason);
  expect(await client.request("GET", "/b")).toEqual({ fine: true });
});

test("it is closed while a credential plugin works: the plugin ends", async () => {
  const stop = new AbortController();
  const plugin = new CredentialPlugin(stop.signal);
  const config = { command: "sleep", args: ["60"], info: {} };
  const user = { name: "u", authProvider: { name: "credential-plugin", config } };
  const asked = plugin.applyAuthentication(user, {});
  stop.abort();
  await expect(asked).rejects.toThrow("the credential plugin sleep");
});

/** The user of the kubeconfig is whoever this shell script, run in the directory, says. */
async function withPlugin(
  there: Connected,
  script: string,
  options: Parameters<Connected["connect"]>[0] = {},
  exec = {},
) {
  const file = path.join(there.directory, "plugin");
  await writeFile(file, `#!/bin/sh\ncd "$(dirname "$0")"\n${script}\n`, { mode: 0o755 });
  const call = { apiVersion: "client.authentication.k8s.io/v1", command: "./plugin", ...exec };
  await there.api.kubeconfig(there.directory, { exec: call });
  return there.connect(options);
}

async function callsOf({ directory }: Connected): Promise<number> {
  return (await readFile(path.join(directory, "calls"), "utf8")).split("\n").length - 1;
}
