import type { ContextValues } from "@connectrpc/connect";
import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import type { NodeRequest } from "./one-port.ts";

/**
 * A request as Connect's handlers want it. Unlike Connect's own conversion it
 * leaves the connection whole when a body is refused half-way, so that the
 * refusal reaches the client, and it cannot fail on a strange Host header.
 */
export function universalRequestFrom(
  request: NodeRequest,
  signal: AbortSignal,
  contextValues: ContextValues,
): UniversalServerRequest {
  return {
    httpVersion: request.httpVersion,
    method: request.method ?? "",
    url: `http://localhost${request.url ?? "/"}`,
    header: headersFrom(request),
    body: { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) },
    signal,
    contextValues,
  };
}

/** A request's headers, HTTP/2's pseudo headers left out. */
function headersFrom(request: NodeRequest): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined || name.startsWith(":")) continue;
    headers.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  return headers;
}
