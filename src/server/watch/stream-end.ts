import { Code, ConnectError } from "@connectrpc/connect";
import pg from "pg";
import { toConnectError } from "../connect-errors.ts";

/** Throws once a stream has to end: because of its client, its deadline, or the server, which clients take as "connect again". */
export function throwIfEnded(signal: AbortSignal): void {
  if (!signal.aborted) return;
  if (signal.reason instanceof ConnectError) throw signal.reason;
  throw new ConnectError("the server is shutting down; connect again and go on where you were", Code.Unavailable);
}

/** Runs a read of a stream. A connection lost ends the stream, not the server: the client comes back. */
export async function readForStream<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (cause) {
    // What Postgres itself says, and our own refusals.
    if (cause instanceof pg.DatabaseError || cause instanceof ConnectError) throw toConnectError(cause);
    const message = "the database does not answer; connect again and go on where you were";
    throw new ConnectError(message, Code.Unavailable, undefined, undefined, cause);
  }
}
