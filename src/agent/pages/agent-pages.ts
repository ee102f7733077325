import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { AgentStatus } from "../kubernetes/agent-options.ts";
import { agentMetrics } from "./agent-metrics.ts";

export interface AgentPagesOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Of the agent program. */
  readonly version: string;
  readonly status: () => AgentStatus;
}

/** Pages of an agent for those who look after it; there is nothing secret on them. */
export interface AgentPages {
  readonly url: string;
  stop(): Promise<void>;
}

interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/**
 * Serves `/healthz` (the process answers), `/readyz` (it follows hydra, and
 * knows its cluster) and `/metrics`, for GET and HEAD.
 *
 * @throws the error of the operating system where it cannot listen.
 */
export async function startAgentPages({ host, port, version, status }: AgentPagesOptions): Promise<AgentPages> {
  const registry = agentMetrics(version, status);
  const pages: Readonly<Record<string, () => Page | Promise<Page>>> = {
    "/healthz": () => plain(200, "ok"),
    "/readyz": () => readiness(status()),
    "/metrics": async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() }),
  };
  const server = createServer((request, response) => {
    const [path = ""] = (request.url ?? "").split("?");
    const isRead = request.method === "GET" || request.method === "HEAD";
    const page = isRead ? (pages[path]?.() ?? notFound(pages)) : plain(405, "only GET is answered here");
    void Promise.resolve(page).then((answer) => send(response, answer));
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, host, resolve));
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${actual}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function readiness({ connected, synced, clusterUid }: AgentStatus): Page {
  if (clusterUid === undefined) return plain(503, "the cluster has not answered yet");
  if (!connected) return plain(503, "hydra does not answer");
  return synced ? plain(200, "ok") : plain(503, "the first full sync is under way");
}

function notFound(pages: object): Page {
  return plain(404, `there is no such page: there are ${Object.keys(pages).join(", ")}`);
}

function plain(status: number, text: string): Page {
  return { status, type: "text/plain; charset=utf-8", body: `${text}\n` };
}

function send(response: ServerResponse, { status, type, body }: Page): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) }).end(body);
}
