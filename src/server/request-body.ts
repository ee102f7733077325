import type { NodeRequest } from "./one-port.ts";

/** A body has more bytes than are accepted. What is left of it has not been read. */
export class BodyTooLargeError extends Error {
  override name = "BodyTooLargeError";

  constructor(maxBytes: number) {
    super(`length limit exceeded: the body has more than ${maxBytes} bytes`);
  }
}

/**
 * Reads a whole body.
 *
 * @throws BodyTooLargeError as soon as it is known, which leaves the connection whole.
 */
export async function readBody(request: NodeRequest, maxBytes: number): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw new BodyTooLargeError(maxBytes);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new BodyTooLargeError(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
