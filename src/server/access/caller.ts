import { Role } from "../../gen/hydra/v1/options_pb.ts";

/** Who makes a call. */
export interface Caller {
  /** For logs and for what is kept of who did what; no secret. */
  readonly name: string;
  readonly role: Role;
  /** The one region it may speak for; empty: not bound. */
  readonly regionId: string;
  /** The token it was let in with; undefined: with none. */
  readonly tokenId: string | undefined;
}

/** Name of the token in HYDRA_ADMIN_TOKEN. */
export const ENV_NAME = "env";
/** Name of whoever was let in without a token. */
export const ANONYMOUS_NAME = "anonymous";

/** Whoever calls a server that is open. */
export const ANYBODY: Caller = { name: ANONYMOUS_NAME, role: Role.ADMIN, regionId: "", tokenId: undefined };
/** Whoever calls what is open on every server. */
export const NOBODY: Caller = { name: ANONYMOUS_NAME, role: Role.UNSPECIFIED, regionId: "", tokenId: undefined };
/** The bearer of HYDRA_ADMIN_TOKEN. */
export const ENV_ADMIN: Caller = { name: ENV_NAME, role: Role.ADMIN, regionId: "", tokenId: ENV_NAME };
