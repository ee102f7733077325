import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import { readKubeconfig } from "../../../kube/kubeconfig.ts";
import { createTemporaryDirectory } from "../../../support/temporary-directory.ts";

/** A way to a real API server on which answers get lost. */
export interface LosingProxy extends AsyncDisposable {
  /** Leads through it, with the same user. */
  readonly kubeconfig: string;
  /** The next such request that the API server grants is done, and its answer never comes; `url`: default any. */
  loseAnswerTo(method: string, url?: RegExp): void;
  /** What came, and how the API server answered: `PATCH 200`. */
  readonly answers: string[];
}

export async function startLosingProxy(kubeconfig: string): Promise<LosingProxy> {
  await using owned = new AsyncDisposableStack();
  const directory = owned.use(await createTemporaryDirectory());
  const config = readKubeconfig(kubeconfig);
  const cluster = config.getCurrentCluster();
  const agent = owned.adopt(
    new https.Agent({ keepAlive: true, ca: Buffer.from(cluster?.caData ?? "", "base64") }),
    async (open) => open.destroy(),
  );
  let lost: { readonly method: string; readonly url: RegExp } | undefined;
  const answers: string[] = [];
  const pass = async (request: http.IncomingMessage, response: http.ServerResponse) => {
    const { method = "", url = "", headers } = request;
    const passed = https.request(new URL(url, cluster?.server), { method, headers, agent });
    passed.end(await text(request));
    const [answer] = (await once(passed, "response")) as [http.IncomingMessage];
    const body = await text(answer);
    answers.push(`${method} ${answer.statusCode}`);
    const isGranted = (answer.statusCode ?? 0) < 300;
    if (isGranted && lost?.method === method && lost.url.test(url)) {
      lost = undefined;
      request.socket.destroy();
    } else response.writeHead(answer.statusCode ?? 0, { "content-type": "application/json" }).end(body);
  };
  const server = http.createServer((request, response) => void pass(request, response));
  owned.defer(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const file = path.join(directory.path, "kubeconfig");
  await writeFile(file, kubeconfigOf((server.address() as AddressInfo).port, config.getCurrentUser()?.token ?? ""));
  const ended = owned.move();
  return {
    kubeconfig: file,
    loseAnswerTo: (method, url = /./) => void (lost = { method, url }),
    answers,
    [Symbol.asyncDispose]: () => ended.disposeAsync(),
  };
}

function kubeconfigOf(port: number, token: string): string {
  const cluster = { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true };
  return JSON.stringify({
    "current-context": "here",
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user: { token } }],
    contexts: [{ name: "here", context: { cluster: "c", user: "u" } }],
  });
}
