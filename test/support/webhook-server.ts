import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";

/** What the server does with a request: an answer, no answer at all, or the end of the connection. */
export type WebhookReply =
  | { status: number; headers?: http.OutgoingHttpHeaders; body?: string; endless?: boolean; afterMs?: number }
  | "hang"
  | "cut";

/** A message as the server got it. */
export interface ReceivedMessage {
  /** Text of its header. */
  readonly header: string;
  /** Text of its section. */
  readonly section: string;
  /** Marked as a possible repeat. */
  readonly repeat: boolean;
  /** What the server did with it. */
  readonly reply: WebhookReply;
  readonly path: string;
}

/** A real HTTP server in the place of a chat's webhook; it behaves as it is told. */
export class WebhookServer implements AsyncDisposable {
  readonly received: ReceivedMessage[] = [];
  /** For the next request. Default: 200 `ok`. */
  reply: (message: Omit<ReceivedMessage, "reply">) => WebhookReply = () => ({ status: 200, body: "ok" });
  readonly host: string;
  readonly #server: http.Server;

  private constructor(server: http.Server) {
    this.#server = server;
    this.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (request, response) => {
      // A request may be cut by its sender.
      this.#answer(request, response).catch(() => {});
    });
  }

  /** `port` 0: any. */
  static async start(port = 0): Promise<WebhookServer> {
    const server = http.createServer();
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return new WebhookServer(server);
  }

  url(path = "/hook/topsecret"): string {
    return `http://${this.host}${path}`;
  }

  /** Headers of what arrived, in order; repeats in brackets. */
  get headers(): string[] {
    return this.received.map(({ header, repeat }) => (repeat ? `(${header})` : header));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { text, blocks } = JSON.parse(Buffer.concat(chunks).toString()) as {
      text: string;
      blocks: { text: { text: string } }[];
    };
    const message = {
      header: blocks[0]?.text.text ?? "",
      section: blocks[1]?.text.text ?? "",
      repeat: text.includes("possible repeat"),
      path: request.url ?? "",
    };
    const reply = this.reply(message);
    this.received.push({ ...message, reply });
    if (reply === "cut") request.socket.destroy();
    if (typeof reply === "string") return;
    if (reply.afterMs !== undefined) await delay(reply.afterMs);
    response.writeHead(reply.status, reply.headers);
    if (reply.endless) await pipeline(Readable.from(pagesWithoutEnd()), response);
    else response.end(reply.body);
  }
}

function* pagesWithoutEnd(): Generator<string> {
  for (;;) yield "no ".repeat(10_000);
}
