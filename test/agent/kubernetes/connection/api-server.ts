import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

type Answer = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** A real HTTP server in the place of an API server; it gives one answer after another, and then the last one for good. */
export class ApiServer implements AsyncDisposable {
  /** Method, path, query and token of what came. */
  readonly requests: string[] = [];
  /** What came with them, once it has been there in full. */
  readonly bodies: string[] = [];
  readonly answers: Answer[] = [];
  /** Told of each request as it comes. */
  onRequest: () => void = () => {};
  readonly url: string;
  readonly #server: http.Server;

  private constructor(server: http.Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (request, response) => {
      this.onRequest();
      this.requests.push(`${request.method} ${request.url} ${request.headers.authorization ?? ""}`);
      const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        this.bodies.push(body);
        answer?.(request, response);
      });
    });
  }

  static async start(...answers: Answer[]): Promise<ApiServer> {
    const server = http.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const api = new ApiServer(server);
    api.answers.push(...answers);
    return api;
  }

  /** Writes a kubeconfig for it into the directory and answers with its file. */
  async kubeconfig(directory: string, user: object = { token: "first" }, protocol = "http:"): Promise<string> {
    const file = path.join(directory, "kubeconfig");
    const config = {
      "current-context": "here",
      clusters: [
        { name: "c", cluster: { server: this.url.replace("http:", protocol), "insecure-skip-tls-verify": true } },
      ],
      users: [{ name: "u", user }],
      contexts: [{ name: "here", context: { cluster: "c", user: "u" } }],
    };
    await writeFile(file, JSON.stringify(config));
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

export function json(status: number, body: object, headers: http.OutgoingHttpHeaders = {}): Answer {
  return (_request, response) => void response.writeHead(status, headers).end(JSON.stringify(body));
}

export function text(status: number, body: string): Answer {
  return (_request, response) => void response.writeHead(status).end(body);
}

/** As the API server refuses. */
export function refusal(status: number, reason: string, message: string, headers?: http.OutgoingHttpHeaders): Answer {
  return json(status, { kind: "Status", status: "Failure", reason, message }, headers);
}

export const cut: Answer = (request) => void request.socket.destroy();

export const hang: Answer = () => {};
