import { Code, ConnectError } from "@connectrpc/connect";
import { Role, RoleSchema } from "../../gen/hydra/v1/options_pb.ts";
import type { CreateTokenRequest } from "../../gen/hydra/v1/token_pb.ts";
import { ANONYMOUS_NAME, ENV_NAME } from "./caller.ts";
import { roleWord } from "./roles.ts";

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
/** Names that logs have for callers without a token of the table. */
const RESERVED = [ENV_NAME, ANONYMOUS_NAME];
const LONGEST_REGION = 253;
const LEAST_S = 60n;
const MOST_DAYS = 3_650n;
const DAY_S = 86_400n;

/** What a token is to be, checked. */
export interface WantedToken {
  readonly name: string;
  /** As the table has it. */
  readonly role: string;
  readonly regionId: string;
  /** Undefined: it does not expire. */
  readonly expiresInMs: number | undefined;
}

/** Checks what a token is to be. Throws INVALID_ARGUMENT. */
export function wantedToken({ name, role, regionId, expiresIn }: CreateTokenRequest): WantedToken {
  checkTokenName(name);
  if (RESERVED.includes(name)) {
    throw invalid(
      `the name ${JSON.stringify(name)} is what logs call those without a token of their own: choose another`,
    );
  }
  if (role === Role.UNSPECIFIED || RoleSchema.value[role] === undefined) {
    throw invalid("role is missing: accepted are viewer, operator, agent and admin");
  }
  checkRegion(role, regionId);
  return { name, role: roleWord(role), regionId, expiresInMs: expiresIn && lifetimeMs(expiresIn.seconds) };
}

/** Throws INVALID_ARGUMENT unless a token can be named so. */
export function checkTokenName(name: string): void {
  if (NAME.test(name)) return;
  const shown = JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
  throw invalid(
    `token name ${shown}: accepted are 1 to 63 of A-Z a-z 0-9 . _ -, the first and the last a letter or digit`,
  );
}

function checkRegion(role: Role, regionId: string): void {
  if (role !== Role.AGENT) {
    if (regionId !== "") throw invalid(`region_id is for agents alone: a token of role ${roleWord(role)} has none`);
    return;
  }
  if (regionId === "") throw invalid("region_id is required with the role agent: the region that it speaks for");
  if (regionId.length > LONGEST_REGION || /\p{Cc}/u.test(regionId)) {
    throw invalid(`region_id must have ${LONGEST_REGION} characters at most, and no control characters`);
  }
}

function lifetimeMs(seconds: bigint): number {
  if (seconds < LEAST_S || seconds > MOST_DAYS * DAY_S) {
    throw invalid(`expires_in is ${seconds} s: accepted is a minute to ${MOST_DAYS} days, or nothing for no end`);
  }
  return Number(seconds) * 1_000;
}

function invalid(message: string): ConnectError {
  return new ConnectError(message, Code.InvalidArgument);
}
