import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { connectToCluster } from "../../../src/agent/kubernetes/connection/connect.ts";
import { SENTINEL_LABEL } from "../../../src/agent/kubernetes/objects.ts";
import { startWatching } from "../../../src/agent/kubernetes/watching/start-watching.ts";
import { eventually } from "../../support/eventually.ts";
import { refuseLeaks } from "../../support/leaks.ts";
import { quietLog } from "../../support/quiet-log.ts";
import { createTemporaryDirectory } from "../../support/temporary-directory.ts";
import { borrowControlPlane, describeKube } from "../borrowing.ts";
import { createDeployments } from "../fleet.ts";
import { type FreezingProxy, startFreezingProxy } from "../freezing-proxy.ts";
import { readKubeconfig } from "../kubeconfig.ts";
import { createNamespace } from "../namespace.ts";
import { patchDeployment } from "./patch.ts";

refuseLeaks();

/** The API server itself says nothing for up to a minute: then a watch that works is begun again, too. */
const SILENCE_MS = 3_000;

describeKube("a connection to the API server that hangs", () => {
  test("no byte comes on open watches, and none ends: they are begun again, and what has changed is known", async () => {
    const { kubeconfig, agentKubeconfig } = await borrowControlPlane("east");
    await using namespace = await createNamespace(kubeconfig);
    const place = { namespace: namespace.name, name: "snt-001" };
    await createDeployments(kubeconfig, 1, { namespace: namespace.name, image: "sentinel:1" });
    await using proxy = await startFreezingProxy(portOf(agentKubeconfig));
    await using watching = await watchThrough(proxy, agentKubeconfig);

    proxy.freeze();
    expect(proxy.frozen()).toBeGreaterThan(0);
    await patchDeployment(kubeconfig, place, { metadata: { labels: { [SENTINEL_LABEL]: "snt-001" } } });
    await eventually(() => expect(watching.objects.deployment(place)?.sentinelId).toBe("snt-001"), {
      timeoutMs: 30_000,
    });
    await eventually(() => expect(proxy.frozen()).toBe(0));
  });
});

async function watchThrough(proxy: FreezingProxy, kubeconfig: string) {
  await using owned = new AsyncDisposableStack();
  const directory = owned.use(await createTemporaryDirectory());
  const kubeconfigFile = path.join(directory.path, "kubeconfig");
  const config = readKubeconfig(kubeconfig).exportConfig();
  await writeFile(kubeconfigFile, config.replace(`:${portOf(kubeconfig)}`, `:${proxy.port}`));
  const stop = new AbortController();
  const { signal } = stop;
  const connection = await connectToCluster({ kubeconfigFile, log: quietLog, signal });
  const watching = startWatching({
    connection,
    container: "sentinel",
    onChange: () => {},
    silenceMs: SILENCE_MS,
    log: quietLog,
    signal,
  });
  owned.defer(async () => {
    stop.abort();
    await watching.ended;
    await connection.close();
  });
  await watching.synced;
  const ended = owned.move();
  return { objects: watching.objects, [Symbol.asyncDispose]: () => ended.disposeAsync() };
}

function portOf(kubeconfig: string): number {
  return Number(new URL(readKubeconfig(kubeconfig).getCurrentCluster()?.server ?? "").port);
}
