import { randomUUID } from "node:crypto";

/** Header that carries the request id, both ways. */
export const REQUEST_ID = "x-request-id";

const ACCEPTED = /^[\x21-\x7e]{1,128}$/;

/** The id that the caller gave, if it can stand in a log line (128 visible ASCII characters at most), else a new one. */
export function requestIdFrom(value: string | null | undefined): string {
  return value && ACCEPTED.test(value) ? value : randomUUID();
}
