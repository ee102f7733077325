// Who may call this server.
export type { Access, RequestHead } from "./access.ts";
export { boundToRegion } from "./agent-region.ts";
export type { Caller } from "./caller.ts";
export { Guard } from "./guard.ts";
export { roleOf } from "./roles.ts";
export { tokenService } from "./token-service.ts";
