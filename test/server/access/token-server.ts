import { createHydraClient, type HydraClient, type HydraClientOptions } from "../../../src/client/index.ts";
import { Role } from "../../../src/gen/hydra/v1/options_pb.ts";

export const ADMIN_TOKEN = "an-admin-token-of-32-characters-or-more";

/** A client of a server, with a token or without. */
export function clientOf(
  url: string,
  token?: string,
  protocol: HydraClientOptions["protocol"] = "connect",
): HydraClient {
  return createHydraClient({ baseUrl: url, protocol, ...(token === undefined ? {} : { token }) });
}

/** A token of each role, the admin's first: from then on the server takes no call without one. */
export async function createTokens(url: string) {
  const admin = await secretOf(clientOf(url), "alice", Role.ADMIN);
  const client = clientOf(url, admin);
  return {
    admin,
    viewer: await secretOf(client, "viewer", Role.VIEWER),
    operator: await secretOf(client, "ci", Role.OPERATOR),
    agent: await secretOf(client, "agent-eu-1", Role.AGENT, "eu-1"),
  };
}

export async function secretOf({ tokens }: HydraClient, name: string, role: Role, regionId = ""): Promise<string> {
  return (await tokens.createToken({ name, role, regionId })).secret;
}
