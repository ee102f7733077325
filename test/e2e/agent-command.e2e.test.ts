import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { freePort } from "../kube/free-port.ts";
import { writeKubeconfig } from "../kube/kubeconfig.ts";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { runHydra, startHydraProcess } from "./hydra-process.ts";

// `hydra agent` where no cluster is needed. test/kube/agent has it at work.

refuseLeaks();

/** Processes start slowly where all of the machine is at work. */
const PATIENT = { timeoutMs: 30_000 };
const SECRET = "do-not-show-this";

/** A directory with a kubeconfig of a cluster that is not there. */
async function startNowhere() {
  const directory = await createTemporaryDirectory();
  const kubeconfig = path.join(directory.path, "kubeconfig");
  const server = `https://127.0.0.1:${await freePort()}`;
  await writeKubeconfig(kubeconfig, { server, certificate: "", user: "nobody", token: SECRET });
  return { ...directory, kubeconfig, server };
}

async function runAgent(flags: readonly string[], env: Record<string, string> = {}) {
  const { exit, stdout, stderr } = await runHydra(["agent", ...flags], env);
  expect(stdout + stderr).not.toContain(SECRET);
  return { exit, stderr };
}

describe("hydra agent that cannot start: says what is wrong and what to do", () => {
  test("no region: wrong usage", async () => {
    const { exit, stderr } = await runAgent([]);
    expect(stderr).toBe("which region? Name it with --region or HYDRA_AGENT_REGION.\n");
    expect(exit).toBe(2);
  });

  test.each([
    [
      "a grace that is no duration",
      ["--grace", "soon"],
      "error: option '--grace <duration>' argument 'soon' is invalid.",
    ],
    [
      "a port that is none",
      ["--health-port", "99999"],
      "error: option '--health-port <port>' argument '99999' is invalid.",
    ],
    [
      "a server that is no address",
      ["--url", "hydra:8080"],
      "the URL of the server (--url or HYDRA_URL) is no address",
    ],
  ])("%s: wrong usage", async (_situation, flags, words) => {
    const { exit, stderr } = await runAgent(["--region", "eu-1", ...flags]);
    expect(stderr).toContain(words);
    expect(exit).toBe(2);
  });

  test("a kubeconfig that is not there, is none, or has no such context: named, without its content", async () => {
    await using nowhere = await startNowhere();
    const bad = path.join(nowhere.path, "bad.yaml");
    await writeFile(bad, `users:\n- name: me\n  user: {token: ${SECRET}\n`);
    const region = ["--region", "eu-1"];
    const [missing, unreadable, unknown] = await Promise.all([
      runAgent([...region, "--kubeconfig", "/nowhere/kubeconfig"]),
      runAgent(region, { KUBECONFIG: bad }),
      runAgent([...region, "--kubeconfig", nowhere.kubeconfig, "--context", "prod"]),
    ]);
    expect(missing.stderr).toBe("the agent cannot start: kubeconfig /nowhere/kubeconfig: there is no such file.\n");
    expect(unreadable.stderr).toContain(`the agent cannot start: kubeconfig ${bad}: it cannot be read`);
    expect(unknown.stderr).toContain("there is no context prod; it has test");
    expect([missing.exit, unreadable.exit, unknown.exit]).toEqual([1, 1, 1]);
  });

  test("a template that is not there, or has what hydra does not make: told before anything is applied", async () => {
    await using nowhere = await startNowhere();
    const file = path.join(nowhere.path, "template.yaml");
    await writeFile(file, "apiVersion: v1\nkind: Secret\nmetadata: {name: '{{name}}'}\n");
    const flags = ["--region", "eu-1", "--kubeconfig", nowhere.kubeconfig];
    const [missing, wrong] = await Promise.all([
      runAgent([...flags, "--template", "/nowhere/template.yaml"]),
      runAgent(flags, { HYDRA_AGENT_TEMPLATE: file }),
    ]);
    expect(missing.stderr).toMatch(/^the agent cannot start: template \/nowhere\/template.yaml: ENOENT/);
    expect(wrong.stderr).toContain(`template ${file}: document 1 is of kind Secret: hydra makes objects of the kinds`);
    expect([missing.exit, wrong.exit]).toEqual([1, 1]);
  });

  test("a health port that somebody has: named, with the settings that change it", async () => {
    await using nowhere = await startNowhere();
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const flags = ["--region", "eu-1", "--kubeconfig", nowhere.kubeconfig, "--health-port", String(port)];
    const { exit, stderr } = await runAgent(flags).finally(() => other.close());
    expect(stderr).toContain(`cannot listen on 127.0.0.1:${port} (EADDRINUSE). See --health-port`);
    expect(exit).toBe(1);
  });
});

test("hydra agent whose cluster does not answer: lives, is not ready, says so once, and ends with 0 when told to", async () => {
  await using nowhere = await startNowhere();
  const port = await freePort();
  const flags = ["--region", "eu-1", "--kubeconfig", nowhere.kubeconfig, "--health-port", String(port)];
  await using agent = startHydraProcess(["agent", ...flags], { HYDRA_LOG_LEVEL: "debug" });
  const page = async (name: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${name}`);
    return [response.status, await response.text()];
  };
  expect(await eventually(() => page("/healthz"), PATIENT)).toEqual([200, "ok\n"]);
  expect(await page("/readyz")).toEqual([503, "the cluster has not answered yet\n"]);
  await eventually(() => expect(agent.stderr()).toContain("the cluster does not answer, trying again"), PATIENT);
  await eventually(() => expect(agent.stderr()).toContain("the cluster does not answer yet, trying again"), PATIENT);
  expect(agent.stderr()).toContain(nowhere.server);
  agent.kill("SIGTERM");
  expect(await agent.exited).toBe(0);
  expect(agent.stderr()).not.toContain(SECRET);
});
