import { Code, type ConnectError } from "@connectrpc/connect";
import type { Logger } from "pino";
import { toConnectError } from "./connect-errors.ts";

/** Which call an error belongs to. */
export interface FailedCall {
  readonly method: string;
  readonly requestId: string | undefined;
}

/** What a caller is told of an error; what only the log may know goes there. */
export function toldError(thrown: unknown, log: Logger, failed: FailedCall): ConnectError {
  const error = toConnectError(thrown);
  if (error.cause !== undefined) {
    const level = error.code === Code.Internal ? "error" : "warn";
    log[level]({ ...failed, err: error.cause }, "call failed");
  }
  return error;
}
