import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type ReceivedSpan, spansIn } from "./otlp.ts";

/**
 * What a collector does with a request. `take-and-cut`: it has the spans, and
 * its answer is lost. With `over`, only larger requests get the status.
 */
export type CollectorBehaviour = "take" | "take-and-cut" | "hang" | { readonly status: number; readonly over?: number };

/** A collector that parses what it is sent. Closed at the end of its scope, and what hangs with it. */
export interface TestCollector extends AsyncDisposable {
  readonly endpoint: string;
  behaviour: CollectorBehaviour;
  /** How often it was asked, whatever it answered. */
  readonly requests: number;
  /** Of every request. */
  readonly headers: readonly IncomingHttpHeaders[];
  /** All spans that it took, in order, repeats included. */
  readonly taken: readonly ReceivedSpan[];
  /** Those of one trace, each id once. */
  distinct(traceId?: string): ReceivedSpan[];
}

/** Starts one on a port; 0: any free one. */
export async function startTestCollector(port = 0): Promise<TestCollector> {
  const taken: ReceivedSpan[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const answer = (response: ServerResponse, body: Uint8Array) => {
    const { behaviour } = collector;
    if (behaviour === "hang") return;
    if (typeof behaviour === "object" && body.length > (behaviour.over ?? 0)) {
      return void response.writeHead(behaviour.status).end("no");
    }
    taken.push(...spansIn(body));
    if (behaviour === "take-and-cut") return void response.destroy();
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  };
  const server = createServer((request, response) => {
    headers.push(request.headers);
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.method === "POST" && request.url === "/v1/traces") return answer(response, Buffer.concat(chunks));
      response.writeHead(404).end();
    });
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const collector = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    behaviour: "take" as CollectorBehaviour,
    get requests() {
      return headers.length;
    },
    headers,
    taken,
    distinct: (traceId?: string) => [
      ...new Map(
        taken.filter((span) => traceId === undefined || span.traceId === traceId).map((span) => [span.spanId, span]),
      ).values(),
    ],
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return collector;
}
