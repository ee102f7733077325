import { cors } from "@connectrpc/connect";
import type { Access } from "./access/index.ts";
import { RETRY_AFTER } from "./connect-errors.ts";
import { IDEMPOTENCY_KEY, INVOCATION_ID } from "./invocations.ts";
import type { NodeRequest, NodeResponse } from "./one-port.ts";
import { REQUEST_ID } from "./request-id.ts";

const PREFLIGHT_MAX_AGE_S = 7_200;
const ALLOWED_HEADERS = [...cors.allowedHeaders, "authorization", IDEMPOTENCY_KEY, REQUEST_ID].join(", ");
const EXPOSED_HEADERS = [
  ...cors.exposedHeaders,
  INVOCATION_ID,
  "x-restate-error-source",
  "idempotency-expires",
  RETRY_AFTER,
  REQUEST_ID,
].join(", ");

/** Lets pages of allowed origins read the answer. True: the request was a preflight and has been answered. */
export function answerCors(request: NodeRequest, response: NodeResponse, access: Access): boolean {
  const { origin } = request.headers;
  if (origin === undefined || !access.allowsOrigin(origin)) return false;
  response.setHeader("access-control-allow-origin", origin);
  response.setHeader("vary", "origin");
  if (request.method !== "OPTIONS" || request.headers["access-control-request-method"] === undefined) {
    response.setHeader("access-control-expose-headers", EXPOSED_HEADERS);
    return false;
  }
  response.setHeader("access-control-allow-methods", cors.allowedMethods.join(", "));
  response.setHeader("access-control-allow-headers", ALLOWED_HEADERS);
  response.setHeader("access-control-max-age", PREFLIGHT_MAX_AGE_S);
  response.statusCode = 204;
  response.end();
  return true;
}
