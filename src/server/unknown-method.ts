import { Code } from "@connectrpc/connect";
import type { NodeRequest } from "./one-port.ts";
import type { Answer } from "./send.ts";
import type { Services } from "./services.ts";

const GRPC = /^application\/grpc(-web(-text)?)?(\+|;|$)/i;

/**
 * The answer for a path that looks like an RPC but is none: two segments, the
 * first one a service, or a gRPC request to whatever path. Undefined: it is for
 * the ingress to answer.
 */
export function unknownMethodAnswer(path: string, request: NodeRequest, services: Services): Answer | undefined {
  const [service = "", method = "", ...more] = path.split("/").slice(1);
  const message = services.has(service)
    ? `${service} has no method ${method.slice(0, 100)}`
    : `service ${service.slice(0, 100)} is not served here`;
  const type = request.headers["content-type"] ?? "";
  if (GRPC.test(type)) {
    const status = { "grpc-status": `${Code.Unimplemented}`, "grpc-message": encodeURIComponent(message) };
    return { status: 200, headers: { "content-type": type, ...status } };
  }
  if (more.length > 0 || method === "" || !services.has(service)) return undefined;
  const body = JSON.stringify({ code: "unimplemented", message });
  return { status: 404, headers: { "content-type": "application/json" }, body };
}
