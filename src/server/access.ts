import { Code, ConnectError } from "@connectrpc/connect";
import { isLoopbackAuthority } from "./loopback.ts";

/** The head of a request, as far as it decides who may pass. */
export interface RequestHead {
  readonly method: string;
  /** Host header, or `:authority`. */
  readonly authority: string | undefined;
  readonly origin: string | undefined;
  readonly authorization: string | undefined;
}

/** Who makes a call. */
export interface Caller {
  readonly name: string;
}

export interface AccessOptions {
  /** Take any Host header. Off: only names of this machine, which keeps web pages out that rebind their own name. */
  anyHost: boolean;
  /** Origins of web pages that may call, besides the server's own. */
  origins: readonly string[];
}

/** The one place that decides who may call. */
export interface Access {
  /** Lets a request in. Throws a ConnectError that says why not, and what is accepted. */
  admit(head: RequestHead): Caller;
  /** May a web page of this origin read answers? */
  allowsOrigin(origin: string): boolean;
}

const READING = new Set(["GET", "HEAD", "OPTIONS"]);
const ANYBODY: Caller = { name: "anonymous" };

/**
 * Access without tokens: everybody on this machine is let in, web pages of
 * other origins are not. A token that comes anyway is ignored.
 */
export function createAccess(options: AccessOptions): Access {
  const origins = new Set(options.origins);
  return {
    allowsOrigin: (origin) => origins.has(origin),
    admit(head) {
      if (!options.anyHost && !isLoopbackAuthority(head.authority)) throw badHost(head.authority);
      if (!READING.has(head.method) && head.origin !== undefined && !isOwn(head) && !origins.has(head.origin)) {
        throw new ConnectError(
          `web pages of origin ${JSON.stringify(head.origin)} may not call this server; allow the origin in its configuration if they should`,
          Code.PermissionDenied,
        );
      }
      return ANYBODY;
    },
  };
}

function badHost(authority: string | undefined): ConnectError {
  return new ConnectError(
    `the Host header is ${authority === undefined ? "missing" : JSON.stringify(authority)}, but without tokens this server answers ` +
      "only to localhost, 127.0.0.1 or [::1]: call it by one of these names",
    Code.PermissionDenied,
  );
}

function isOwn(head: RequestHead): boolean {
  return head.origin === `http://${head.authority}` || head.origin === `https://${head.authority}`;
}
