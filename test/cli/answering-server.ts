import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";

export interface AnsweringServer extends AsyncDisposable {
  readonly port: number;
  /** Paths asked for. */
  readonly paths: string[];
}

/** A server that gives one answer to whatever it is asked. With a certificate it speaks TLS alone. */
export async function startAnsweringServer(
  { status = 200, type = "text/html", body = "<html></html>" },
  certificate?: { key: string; cert: string },
): Promise<AnsweringServer> {
  const paths: string[] = [];
  const listener: http.RequestListener = (request, response) => {
    paths.push(request.url ?? "");
    response.writeHead(status, { "content-type": type }).end(body);
  };
  const server = certificate ? https.createServer(certificate, listener) : http.createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    paths,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
