import { Code, ConnectError } from "@connectrpc/connect";
import { EngineUnavailableError, type FailureKind, TerminalError } from "../engine/index.ts";

/** Header, or trailer, that says in how many seconds it is worth trying again. */
export const RETRY_AFTER = "retry-after";
/** The same as clients of gRPC that try again by themselves read it, in milliseconds. */
const GRPC_RETRY_AFTER = "grpc-retry-pushback-ms";

/** What each kind of failure is on the wire. */
const CODE_OF_KIND: Record<FailureKind, Code> = {
  invalid: Code.InvalidArgument,
  not_found: Code.NotFound,
  already_exists: Code.AlreadyExists,
  conflict: Code.FailedPrecondition,
  out_of_range: Code.OutOfRange,
  exhausted: Code.ResourceExhausted,
  unavailable: Code.Unavailable,
  cancelled: Code.Aborted,
  killed: Code.Aborted,
  timeout: Code.DeadlineExceeded,
  internal: Code.Internal,
};

/** SQLSTATEs, or classes of them, that say: the database is away or full, try again. */
const DATABASE_AWAY = ["08", "57P01", "57P02", "57P03", "53300"];
const DATABASE_DISK_FULL = "53100";
const DISK_RETRY_AFTER_MS = 5_000;
/** Text that Postgres cannot store: NUL, or not UTF-8. */
const UNSTORABLE_TEXT = "22021";
/** The database is away, as the network says it. */
const SOCKET_AWAY = new Set(["ECONNREFUSED", "ECONNRESET", "ENOENT", "EPIPE", "ETIMEDOUT"]);

/** The same, as `pg` says it, without a code. */
const CONNECTION_BROKE = /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout)/;

/** The error for a failure that is on record, for example an invocation's outcome. */
export function errorOfFailure(
  failure: { readonly kind: FailureKind; readonly message: string },
  headers?: Record<string, string>,
): ConnectError {
  return new ConnectError(failure.message, CODE_OF_KIND[failure.kind], headers);
}

/**
 * Turns whatever was thrown into what the caller is told. What nobody foresaw
 * becomes a bare "internal error" that has the original as its cause, for the log.
 */
export function toConnectError(thrown: unknown): ConnectError {
  if (thrown instanceof ConnectError) return thrown;
  if (thrown instanceof EngineUnavailableError) return errorOfFailure(thrown, retryAfter(thrown.retryAfterMs));
  if (thrown instanceof TerminalError) return errorOfFailure(thrown);
  // The caller gave the call up: nothing for the log.
  if (thrown instanceof Error && thrown.name === "AbortError") return new ConnectError("cancelled", Code.Canceled);
  const code = nodeCodeOf(thrown);
  if (code === UNSTORABLE_TEXT) {
    return new ConnectError(
      "a text in the request holds a NUL character, which cannot be stored",
      Code.InvalidArgument,
    );
  }
  if (code === DATABASE_DISK_FULL) {
    const message = "the database's disk is full: nothing new is taken until there is room";
    return new ConnectError(message, Code.ResourceExhausted, retryAfter(DISK_RETRY_AFTER_MS), undefined, thrown);
  }
  if (isDatabaseAway(code) || (thrown instanceof Error && CONNECTION_BROKE.test(thrown.message))) {
    return new ConnectError("the database does not answer, try again", Code.Unavailable, undefined, undefined, thrown);
  }
  return new ConnectError("internal error", Code.Internal, undefined, undefined, thrown);
}

function retryAfter(ms: number | undefined): Record<string, string> {
  return ms === undefined ? {} : { [RETRY_AFTER]: String(Math.ceil(ms / 1_000)), [GRPC_RETRY_AFTER]: String(ms) };
}

/** The code that Node or Postgres put on an error. */
function nodeCodeOf(thrown: unknown): string {
  const code = thrown instanceof Error ? (thrown as { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : "";
}

function isDatabaseAway(code: string): boolean {
  return SOCKET_AWAY.has(code) || DATABASE_AWAY.some((state) => code.startsWith(state));
}
