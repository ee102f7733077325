/**
 * The embedded Postgres cannot be used. The message is meant for the person at
 * the terminal: what is wrong, then what to do about it.
 */
export class EmbeddedPostgresError extends Error {
  override name = "EmbeddedPostgresError";
}

/** It cannot be used until there is room on its disk. */
export class DiskFullError extends EmbeddedPostgresError {
  override name = "DiskFullError";
}
