import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { loadConfig } from "../../../../src/agent/kubernetes/connection/kubeconfig.ts";
import { createTemporaryDirectory } from "../../../support/temporary-directory.ts";

const SECRET = "eyJhbGciOi-secret";

afterEach(() => vi.unstubAllEnvs());

describe("a kubeconfig", () => {
  test.each([
    ["no YAML", `users: [{name: u, user: {token: ${SECRET}`, "it cannot be read: unexpected end of the stream"],
    ["a text", SECRET, "it is not a kubeconfig"],
    ["empty", "", "it cannot be read: expected a document"],
    ["users that are no list", `users: {token: ${SECRET}}`, "its users are no list of named entries"],
    ["an empty entry", "contexts: [null]", "its contexts are no list of named entries"],
    ["no context chosen", kubeconfig({ "current-context": "" }), "no context is chosen; it has here"],
    ["a context that is not there", kubeconfig({ "current-context": "x" }), "there is no context x; it has here"],
    ["a cluster that is not there", kubeconfig({ clusters: [] }), "names cluster c, which is not there"],
    ["a user who is not there", kubeconfig({ users: [] }), "names user u, who is not there"],
    ["a cluster without a server", server(""), "clusters[0].cluster.server is missing"],
    ["a server that is no address", server("localhost"), "a server that is no address; it is to look like https://"],
    ["a server of another kind", server("ftp://a"), "a server that is no address"],
    ["no TLS", server("http://a"), "is spoken to without TLS: use https, or set insecure-skip-tls-verify"],
    ["a password in the address", server(`https://u:${SECRET}@a`), "has a password in the address of its server"],
    ["a plugin without a command", user({ exec: { args: [SECRET] } }), "a user's exec has no command"],
  ])("%s: a sentence with the file's name and nothing secret of its content", async (_, text, sentence) => {
    await using directory = await createTemporaryDirectory();
    const kubeconfigFile = path.join(directory.path, "config");
    await writeFile(kubeconfigFile, text);
    const error = thrownBy(() => loadConfig({ kubeconfigFile }));
    expect(error.message).toMatch(`kubeconfig ${kubeconfigFile}`);
    expect(error.message).toContain(sentence);
    expect(`${error.message} ${String(error.cause)}`).not.toContain(SECRET);
  });

  test("it is not there, or a directory: a sentence", async () => {
    await using directory = await createTemporaryDirectory();
    const missing = path.join(directory.path, "missing");
    expect(() => loadConfig({ kubeconfigFile: missing })).toThrow(`kubeconfig ${missing}: there is no such file`);
    expect(() => loadConfig({ kubeconfigFile: directory.path })).toThrow("it cannot be read: EISDIR");
  });

  test("a context by name: the one that is chosen does not count", async () => {
    await using directory = await createTemporaryDirectory();
    const kubeconfigFile = path.join(directory.path, "config");
    await writeFile(kubeconfigFile, kubeconfig({ "current-context": "gone" }));
    const { config, files } = loadConfig({ kubeconfigFile, context: "here" });
    expect(config.getCurrentCluster()?.server).toBe("https://a");
    expect(files).toEqual([kubeconfigFile]);
  });

  test("two files: what stands in both counts from the first, paths are relative to their own file", async () => {
    await using directory = await createTemporaryDirectory();
    const [one, two] = ["one", "two"].map((name) => path.join(directory.path, name, "config"));
    const missing = path.join(directory.path, "missing");
    for (const file of [one, two]) await mkdir(path.dirname(file!));
    await writeFile(one!, kubeconfig({ users: [] }));
    const users = [{ name: "u", user: { "client-certificate": "me.pem", "client-key": "/keys/me.pem" } }];
    await writeFile(two!, kubeconfig({ users, clusters: [{ name: "c", cluster: { server: "https://b" } }] }));
    const { config } = loadConfig({ kubeconfigFile: [one, missing, two].join(path.delimiter) });
    expect(config.getCurrentCluster()?.server).toBe("https://a");
    expect(config.getCurrentUser()).toMatchObject({
      certFile: path.join(directory.path, "two", "me.pem"),
      keyFile: "/keys/me.pem",
    });
  });
});

describe("no kubeconfig", () => {
  test("not in a pod: a sentence that says what there may be; a context has to be in a kubeconfig", async () => {
    await using home = await createTemporaryDirectory();
    vi.stubEnv("HOME", home.path);
    expect(() => loadConfig({}, { root: home.path })).toThrow("no cluster to connect to: name a kubeconfig with");
    expect(() => loadConfig({ context: "x" })).toThrow("context x: there is no kubeconfig that has it");
  });

  test("in a pod: its service account at the address that the pod is given", async () => {
    await using pod = await createPod();
    const { config, files } = loadConfig({}, { root: pod.path });
    expect(config.getCurrentCluster()?.server).toBe("https://[fd00::1]:443");
    expect(files).toEqual([]);
  });

  test("in a pod that does not say where its cluster is: a sentence", async () => {
    await using pod = await createPod();
    vi.stubEnv("KUBERNETES_SERVICE_HOST", "");
    expect(() => loadConfig({}, { root: pod.path })).toThrow("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT");
  });
});

function kubeconfig(differences: object = {}): string {
  return JSON.stringify({
    "current-context": "here",
    clusters: [{ name: "c", cluster: { server: "https://a" } }],
    users: [{ name: "u", user: { token: SECRET } }],
    contexts: [{ name: "here", context: { cluster: "c", user: "u" } }],
    ...differences,
  });
}

function server(address: string): string {
  return kubeconfig({ clusters: [{ name: "c", cluster: { server: address } }] });
}

function user(content: object): string {
  return kubeconfig({ users: [{ name: "u", user: content }] });
}

function thrownBy(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

async function createPod() {
  const directory = await createTemporaryDirectory();
  const account = path.join(directory.path, "var/run/secrets/kubernetes.io/serviceaccount");
  await mkdir(account, { recursive: true });
  await writeFile(path.join(account, "token"), SECRET);
  vi.stubEnv("HOME", directory.path);
  vi.stubEnv("KUBERNETES_SERVICE_HOST", "fd00::1");
  vi.stubEnv("KUBERNETES_SERVICE_PORT", "443");
  return directory;
}
