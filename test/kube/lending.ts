// One run has one control plane for each region, and all its files share them, each through namespaces of its own. The
// run's own process keeps them and lends them over loopback: a control plane is started when a file first asks for it.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";

/** What a file gets of a control plane that is not its own. */
export interface LentControlPlane {
  /** The file of an administrator. */
  readonly kubeconfig: string;
  /** A file with the agent's rights, as deploy/agent gives them. */
  readonly agentKubeconfig: string;
}

/** Answers `GET /east` and `GET /west`. */
export async function startLending(): Promise<{ url: string; stop(): Promise<void> }> {
  const started = new Map<string, Promise<ControlPlane>>();
  const lend = async (region: string): Promise<LentControlPlane> => {
    if (!started.has(region)) started.set(region, startControlPlane());
    const { kubeconfig, agentKubeconfig } = await (started.get(region) as Promise<ControlPlane>);
    return { kubeconfig, agentKubeconfig: await agentKubeconfig() };
  };
  const server = createServer((request, response) => {
    // One that is kept open would count as left behind by the file that asks.
    response.setHeader("connection", "close");
    lend(request.url?.slice(1) ?? "").then(
      (lent) => response.end(JSON.stringify(lent)),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.close();
      server.closeAllConnections();
      const planes = await Promise.allSettled(started.values());
      await Promise.all(planes.map(async (plane) => plane.status === "fulfilled" && plane.value.stop()));
    },
  };
}
