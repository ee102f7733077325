import { Code, type ConnectError } from "@connectrpc/connect";
import type { Logger } from "pino";
import type { Call } from "../call.ts";
import { RETRY_AFTER } from "../connect-errors.ts";
import { toldError } from "../told-error.ts";

/** Who refuses: the ingress itself, or the handler that was called. */
export type ErrorSource = "ingress" | "invocation";

/** HTTP status of each code; everything else is 500. */
const STATUS_OF_CODE: Partial<Record<Code, number>> = {
  [Code.InvalidArgument]: 400,
  [Code.OutOfRange]: 400,
  [Code.Unauthenticated]: 401,
  [Code.PermissionDenied]: 403,
  [Code.NotFound]: 404,
  [Code.AlreadyExists]: 409,
  [Code.FailedPrecondition]: 409,
  [Code.Aborted]: 409,
  [Code.ResourceExhausted]: 429,
  [Code.Canceled]: 499,
  [Code.Unimplemented]: 501,
  [Code.Unavailable]: 503,
  [Code.DeadlineExceeded]: 504,
};

/** A refusal or failure as the ingress tells of it. */
export class IngressFailure extends Error {
  override name = "IngressFailure";
  readonly status: number;
  readonly source: ErrorSource;
  readonly invocationId: string | undefined;
  /** Seconds, as the header says it. */
  readonly retryAfter: string | undefined;

  constructor(
    status: number,
    message: string,
    source: ErrorSource = "ingress",
    { invocationId, retryAfter }: { invocationId?: string | undefined; retryAfter?: string | undefined } = {},
  ) {
    super(message);
    this.status = status;
    this.source = source;
    this.invocationId = invocationId;
    this.retryAfter = retryAfter;
  }
}

/** The same text as on Connect, under the fitting status. */
export function ingressFailure(error: ConnectError, source: ErrorSource, invocationId?: string): IngressFailure {
  const retryAfter = error.metadata.get(RETRY_AFTER) ?? undefined;
  return new IngressFailure(STATUS_OF_CODE[error.code] ?? 500, error.rawMessage, source, { invocationId, retryAfter });
}

/** What the ingress tells of an error, whatever it is; what only the log may know goes there. */
export function failureFrom(thrown: unknown, source: ErrorSource, call: Call, log: Logger): IngressFailure {
  if (thrown instanceof IngressFailure) return thrown;
  return ingressFailure(toldError(thrown, log, { method: call.name, requestId: call.requestId }), source);
}
