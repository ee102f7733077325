import { messageOf, TerminalError } from "../errors.ts";

/** What the engine does about a failed transaction. */
export type FailureVerdict =
  /** The same batch again: a conflict that goes away. */
  | "repeat"
  /** Some unit of the batch is to blame: find it. */
  | "blame"
  /** This node can write nothing any more. */
  | "lost";

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const REPEAT = new Set(["40001", "40P01", "55P03"]);
/** Connection, operator intervention, resources: the server, not the batch. */
const LOST_CLASSES = new Set(["08", "57", "53", "58", "25", "XX"]);
/** The query was cancelled by a timeout or by hand; the server is fine. */
const QUERY_CANCELED = "57014";
const DISK_FULL = "53100";
/** Raised by engine.begin_batch. */
const FENCED = "HY001";

/** The server itself said so; it, and the way to it, are there. */
export function isFromServer(error: unknown): boolean {
  return typeof (error as { severity?: unknown } | undefined)?.severity === "string";
}

/** Judges by SQLSTATE; an error without one came from the connection. */
export function judgeFailure(error: unknown): FailureVerdict {
  const code = (error as { code?: unknown } | undefined)?.code;
  if (!isFromServer(error) || typeof code !== "string") {
    // A program that threw before or between stages carries no SQLSTATE and is no connection error either.
    return isConnectionError(error) ? "lost" : "blame";
  }
  if (code === FENCED) return "lost";
  if (REPEAT.has(code)) return "repeat";
  if (code === QUERY_CANCELED) return "blame";
  return LOST_CLASSES.has(code.slice(0, 2)) ? "lost" : "blame";
}

/** The server has ended this connection; it says nothing about the next. */
const CONNECTION_ENDED = new Set(["57P01", "57P02"]);

/** The server is there, and does not want us: worth telling. */
export function isRefusal(error: unknown): boolean {
  return isFromServer(error) && !CONNECTION_ENDED.has((error as { code: string }).code);
}

const TOO_MANY_CONNECTIONS = "53300";
/** The writer, the listener, 6 that read, 2 for upkeep (pool.ts). */
const CONNECTIONS = 10;

/** The server has no connection left for this role, this database, or anybody. */
export function isOutOfConnections(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === TOO_MANY_CONNECTIONS;
}

/** What a person is told of it. */
export function noConnectionLeft(error: unknown): TerminalError {
  const message =
    `Postgres has no connection left for the engine, which takes up to ${CONNECTIONS}: ${messageOf(error)}. ` +
    `Raise max_connections or the limit of the role or database, or end other sessions`;
  return new TerminalError(message, "unavailable", { cause: error });
}

/** The server's disk is full. It said so itself, so the transaction is rolled back. */
export function isDiskFull(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === DISK_FULL;
}

function isConnectionError(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === "string" && /^(E[A-Z]+|ERR_STREAM.*)$/.test(code)) return true;
  return typeof message === "string" && /^(Connection terminated|Client (has encountered|was closed))/.test(message);
}
