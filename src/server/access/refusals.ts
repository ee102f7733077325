import { Code, ConnectError } from "@connectrpc/connect";
import type { Role } from "../../gen/hydra/v1/options_pb.ts";
import type { Caller } from "./caller.ts";
import { roleWord } from "./roles.ts";

// What callers are told who are not let in. None of it repeats what they sent as a token.

/** What to send, as HTTP has it. */
const CHALLENGE = { "www-authenticate": "Bearer" };
const HOW = "send `Authorization: Bearer TOKEN`";

export function noToken(): ConnectError {
  return unauthenticated(
    `no token came with this call: ${HOW}. An admin makes one with \`hydra tokens create NAME --role ROLE\``,
  );
}

export function noBearer(): ConnectError {
  return unauthenticated(`the Authorization header holds something else than a token: ${HOW}`);
}

export function unknownToken(): ConnectError {
  return unauthenticated("the token that came is not known here: it was revoked, is another server's, or was cut off");
}

export function expiredToken({ name }: Caller): ConnectError {
  return unauthenticated(`token ${JSON.stringify(name)} has expired: an admin makes another one`);
}

export function revokedToken({ name }: Caller): ConnectError {
  return unauthenticated(`token ${JSON.stringify(name)} was revoked`);
}

/** The server was open when the call began. */
export function tokensNow(): ConnectError {
  return unauthenticated(`since this call began the server has got tokens: ${HOW}`);
}

export function noTokensLeft(): ConnectError {
  return unauthenticated(
    "there are no tokens any more, and without any this server is open to nobody: start it with HYDRA_ADMIN_TOKEN " +
      "and make one, or on a loopback address",
  );
}

export function roleTooSmall({ name, role }: Caller, needed: Role): ConnectError {
  return new ConnectError(
    `this takes the role ${roleWord(needed)}, token ${JSON.stringify(name)} has the role ${roleWord(role)}`,
    Code.PermissionDenied,
  );
}

export function otherRegion({ name, regionId }: Caller, asked: string): ConnectError {
  return new ConnectError(
    `token ${JSON.stringify(name)} speaks for region ${JSON.stringify(regionId)}, not for ${JSON.stringify(asked)}: ` +
      "give the agent a token of its region",
    Code.PermissionDenied,
  );
}

function unauthenticated(message: string): ConnectError {
  return new ConnectError(message, Code.Unauthenticated, CHALLENGE);
}
