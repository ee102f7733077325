import { Code, ConnectError } from "@connectrpc/connect";
import type { EngineLog } from "../../engine/index.ts";
import { Role } from "../../gen/hydra/v1/options_pb.ts";
import { isLoopbackAuthority } from "../loopback.ts";
import { ANYBODY, type Caller, NOBODY } from "./caller.ts";
import type { KnownTokens } from "./known-tokens.ts";
import { RefusalLog } from "./refusal-log.ts";
import {
  expiredToken,
  noBearer,
  noToken,
  noTokensLeft,
  revokedToken,
  roleTooSmall,
  tokensNow,
  unknownToken,
} from "./refusals.ts";
import { allows } from "./roles.ts";

// Who may call.
//
//   A1. Once there is a token, expired ones included, nobody does anything without one, on loopback too.
//   A2. Without tokens whoever reaches the server may do everything; so it is open only where it listens on loopback,
//       or was told to be (`openWithoutTokens`), and closed to everybody elsewhere.
//   A3. Who was let in is judged again once its message is there, and where it lasts (a stream, the wait for an
//       invocation) at every look at the tokens: what was held open does not outlive the token.
//   A4. A refusal never repeats what was sent as a token, and in the log they are limited.

/** The head of a request, as far as it decides who may pass. */
export interface RequestHead {
  readonly method: string;
  /** Host header, or `:authority`. */
  readonly authority: string | undefined;
  readonly origin: string | undefined;
  readonly authorization: string | undefined;
}

export interface AccessOptions {
  readonly tokens: Pick<KnownTokens, "any" | "judge" | "stateOf">;
  /** May whoever reaches the server call it while there are no tokens? */
  readonly openWithoutTokens: boolean;
  /** Without tokens, take any Host header. Off: only names of this machine, which keeps web pages out that rebind their own name. */
  readonly anyHost: boolean;
  /** Origins of web pages that may call, besides the server's own. */
  readonly origins: readonly string[];
  readonly log: EngineLog;
}

/** The one place that decides who may call. */
export interface Access {
  /** Lets a request in that takes a role. Throws a ConnectError that says why not, and what is accepted. */
  admit(head: RequestHead, needed: Role): Caller;
  /** Why somebody who was let in has to go; undefined: may stay. */
  refusalNow(caller: Caller): ConnectError | undefined;
  /** May a web page of this origin read answers? */
  allowsOrigin(origin: string): boolean;
}

const READING = new Set(["GET", "HEAD", "OPTIONS"]);

export function createAccess({ tokens, openWithoutTokens, anyHost, origins, log }: AccessOptions): Access {
  const allowedOrigins = new Set(origins);
  const refusals = new RefusalLog(log);
  const isOpen = () => openWithoutTokens && !tokens.any;
  const callerOf = ({ authorization }: RequestHead): Caller => {
    if (isOpen()) return ANYBODY;
    if (!tokens.any) throw noTokensLeft();
    return bearerOf(authorization, tokens);
  };
  return {
    allowsOrigin: (origin) => allowedOrigins.has(origin),
    admit(head, needed) {
      // With tokens a page that rebinds its name has nothing to send.
      if (isOpen() && !anyHost && !isLoopbackAuthority(head.authority)) throw badHost(head.authority);
      if (!READING.has(head.method) && head.origin !== undefined && !isOwn(head) && !allowedOrigins.has(head.origin)) {
        throw badOrigin(head.origin);
      }
      if (needed === Role.UNSPECIFIED) return NOBODY;
      try {
        const caller = callerOf(head);
        if (!allows(caller.role, needed)) throw roleTooSmall(caller, needed);
        return caller;
      } catch (error) {
        const { code, rawMessage } = ConnectError.from(error);
        refusals.note(Code[code], { reason: rawMessage });
        throw error;
      }
    },
    refusalNow(caller) {
      if (caller.role === Role.UNSPECIFIED) return undefined;
      if (caller.tokenId === undefined) return isOpen() ? undefined : tokensNow();
      const state = tokens.stateOf(caller.tokenId);
      if (state === "good") return undefined;
      return state === "expired" ? expiredToken(caller) : revokedToken(caller);
    },
  };
}

function bearerOf(authorization: string | undefined, tokens: AccessOptions["tokens"]): Caller {
  if (authorization === undefined) throw noToken();
  const text = /^bearer +(\S+) *$/i.exec(authorization)?.[1];
  if (text === undefined) throw noBearer();
  const { state, caller } = tokens.judge(text);
  if (!caller) throw unknownToken();
  if (state === "expired") throw expiredToken(caller);
  return caller;
}

function badHost(authority: string | undefined): ConnectError {
  return new ConnectError(
    `the Host header is ${authority === undefined ? "missing" : JSON.stringify(authority)}, but without tokens this server answers ` +
      "only to localhost, 127.0.0.1 or [::1]: call it by one of these names",
    Code.PermissionDenied,
  );
}

function badOrigin(origin: string): ConnectError {
  return new ConnectError(
    `web pages of origin ${JSON.stringify(origin)} may not call this server; allow the origin in its configuration if they should`,
    Code.PermissionDenied,
  );
}

function isOwn(head: RequestHead): boolean {
  return head.origin === `http://${head.authority}` || head.origin === `https://${head.authority}`;
}
