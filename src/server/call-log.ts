import { Code, ConnectError } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import type { Logger } from "pino";
import type { Call } from "./call.ts";

/** One line for a call that has ended. Never has bodies, headers, query strings or keys of the caller's. */
export function logCall(log: Logger, call: Call, code: string, durationMs: number): void {
  const fields = {
    method: call.name,
    code,
    ...(call.caller && { caller: call.caller.name }),
    durationMs: Math.round(durationMs * 10) / 10,
    requestId: call.requestId,
    ...(call.invocationId && { invocationId: call.invocationId }),
  };
  if (call.notable) log.info(fields, "call");
  else log.debug(fields, "call");
}

/** How a call ended: the name of its code, `ok`, or `http_404` where there is nothing but a status. */
export function endOf(call: Call, httpStatus: number, completed: boolean): string {
  if (call.code !== undefined) return codeToString(call.code);
  if (!completed) return codeToString(Code.Canceled);
  return httpStatus < 400 ? "ok" : `http_${httpStatus}`;
}

/**
 * The code of an RPC, from the reason its context was aborted with: Connect
 * aborts it at the end of every call, with the error if there was one.
 */
export function codeOfAbort(reason: unknown): Code | undefined {
  if (reason instanceof ConnectError) return reason.code;
  return reason instanceof Error && reason.name === "AbortError" ? undefined : Code.Internal;
}
