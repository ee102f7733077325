/** What kind of failure it is, as a caller may act on it. The RPC edge maps each kind to one code. */
export type FailureKind =
  | "invalid"
  | "not_found"
  | "already_exists"
  | "conflict"
  | "out_of_range"
  | "exhausted"
  | "unavailable"
  | "cancelled"
  | "killed"
  | "timeout"
  | "internal";

/**
 * A failure for good: recorded as the outcome of a step or an invocation and
 * never retried. Everything else that a handler throws is retried.
 */
export class TerminalError extends Error {
  override name = "TerminalError";
  readonly kind: FailureKind;

  constructor(message: string, kind: FailureKind = "internal", options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Thrown at a handler's next await after its invocation was cancelled. */
export class CancelledError extends TerminalError {
  override name = "CancelledError";

  constructor(message = "cancelled") {
    super(message, "cancelled");
  }
}

/**
 * A handler no longer matches its journal. The invocation is parked for an
 * operator; the engine never guesses.
 */
export class JournalMismatchError extends Error {
  override name = "JournalMismatchError";
}

/** This node was fenced off or lost its database; none of its writes lands any more. */
export class NodeLostError extends Error {
  override name = "NodeLostError";
}

/** This node was lost because the database, or the way to it, has fallen silent. */
export class SilentDatabaseError extends NodeLostError {
  override name = "SilentDatabaseError";
}

/** What an error says, as a text that Postgres can store. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replaceAll("\0", "\uFFFD");
}

/** The engine does not take this call: it is stopping, not started, or full. */
export class EngineUnavailableError extends TerminalError {
  override name = "EngineUnavailableError";
  /** When it is worth trying again. Unset: nobody can say. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, kind: FailureKind, { retryAfterMs }: { retryAfterMs?: number } = {}) {
    super(message, kind);
    this.retryAfterMs = retryAfterMs;
  }
}
