import { fork } from "node:child_process";
import { once } from "node:events";
import { readdir, readlink, rm } from "node:fs/promises";
import path from "node:path";
import { AppsV1Api, CoreV1Api } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { refuseLeaks } from "../support/leaks.ts";
import { borrowControlPlane, describeKube } from "./borrowing.ts";
import { startControlPlane } from "./control-plane.ts";
import { createDeployments } from "./fleet.ts";
import { readKubeconfig } from "./kubeconfig.ts";
import { createNamespace } from "./namespace.ts";

refuseLeaks();

describeKube("a control plane for tests", () => {
  test("Deployments are created: their pods become ready", async () => {
    const { kubeconfig } = await borrowControlPlane("east");
    await using namespace = await createNamespace(kubeconfig);
    await createDeployments(kubeconfig, 3, { namespace: namespace.name, image: "sentinel:1", replicas: 2 });
    await eventually(async () => expect(await available(kubeconfig, namespace.name)).toEqual([2, 2, 2]));
  });

  test("one image that is faulty: each Deployment fails as its label says, and the others run", async () => {
    const { kubeconfig } = await borrowControlPlane("east");
    await using namespace = await createNamespace(kubeconfig);
    const faults = ["badpull", "crash", "stuck", "slow"];
    await createDeployments(kubeconfig, 5, {
      namespace: namespace.name,
      image: "sentinel:2-faulty",
      simulated: (number) => faults[number - 1],
    });
    await eventually(async () => {
      expect(await containerStates(kubeconfig, namespace.name)).toEqual({
        "snt-001": "ImagePullBackOff",
        "snt-002": "CrashLoopBackOff",
        "snt-003": "running",
        "snt-004": "ready",
        "snt-005": "ready",
      });
    });
  });

  test("the agent's kubeconfig: it may patch Deployments, and not read Secrets", async () => {
    const { kubeconfig, agentKubeconfig } = await borrowControlPlane("east");
    await using namespace = await createNamespace(kubeconfig);
    const core = readKubeconfig(agentKubeconfig).makeApiClient(CoreV1Api);
    expect(await available(agentKubeconfig, namespace.name)).toEqual([]);
    await expect(core.listNamespacedSecret({ namespace: namespace.name })).rejects.toMatchObject({ code: 403 });
  });

  test("its API server is killed and started again: same address, same objects", async () => {
    await using plane = await startControlPlane();
    const { name } = await createNamespace(plane.kubeconfig);
    await createDeployments(plane.kubeconfig, 1, { namespace: name, image: "sentinel:1" });
    await plane.apiServer.kill();
    await expect(available(plane.kubeconfig, name)).rejects.toThrow("fetch failed");
    await plane.apiServer.start();
    await eventually(async () => expect(await available(plane.kubeconfig, name)).toEqual([1]));
  });

  test("the process that started it is killed: nothing of it is left", async () => {
    const host = fork(new URL("./control-plane-host.ts", import.meta.url), { execArgv: [] });
    const [kubeconfig] = (await once(host, "message")) as [string];
    const directory = path.dirname(kubeconfig);
    const before = await processesIn(directory);
    host.kill("SIGKILL");
    expect(before).toBeGreaterThan(0);
    await eventually(async () => expect(await processesIn(directory)).toBe(0));
    // The next run would remove it.
    await rm(directory, { recursive: true });
  });
});

/** How many work there: its programs and their guards. Linux only. */
async function processesIn(directory: string): Promise<number> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const places = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => "")));
  return places.filter((place) => place === directory).length;
}

async function available(kubeconfig: string, namespace: string): Promise<(number | undefined)[]> {
  const { items } = await readKubeconfig(kubeconfig).makeApiClient(AppsV1Api).listNamespacedDeployment({ namespace });
  return items.map(({ status }) => status?.availableReplicas);
}

/** By the Deployment's name: `ready`, `running`, or why it does not run. */
async function containerStates(kubeconfig: string, namespace: string): Promise<Record<string, string | undefined>> {
  const core = readKubeconfig(kubeconfig).makeApiClient(CoreV1Api);
  const { items } = await core.listNamespacedPod({ namespace });
  return Object.fromEntries(
    items.map(({ metadata, status }) => {
      const [container] = status?.containerStatuses ?? [];
      const running = container?.ready ? "ready" : "running";
      return [metadata?.labels?.["app"], container?.state?.running ? running : container?.state?.waiting?.reason];
    }),
  );
}
