import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import type { Pool } from "pg";
import { type Engine, type EngineLog, TerminalError } from "../../engine/index.ts";
import type {
  CreateTokenRequest,
  CreateTokenResponseSchema,
  ListTokensRequest,
  ListTokensResponseSchema,
  TokenService,
} from "../../gen/hydra/v1/token_pb.ts";
import {
  createToken,
  type CreateTokenResult,
  readToken,
  readTokens,
  revokeToken,
  type RevokeTokenResult,
} from "../../rollout/index.ts";
import { callKey } from "../call.ts";
import { cutPage, keyFromPageToken, pageSizeFrom, pageToken } from "../queries/index.ts";
import type { Guard } from "./guard.ts";
import { checkTokenName, wantedToken } from "./token-request.ts";
import { roleWord } from "./roles.ts";
import { newToken } from "./token-text.ts";

export interface TokenServiceDeps {
  readonly engine: Engine;
  readonly pool: Pool;
  readonly log: EngineLog;
  readonly guard: Pick<Guard, "tokens" | "openWithoutTokens">;
}

/** What an admin does with tokens. */
export function tokenService(deps: TokenServiceDeps): ServiceImpl<typeof TokenService> {
  const { pool, log } = deps;
  return {
    async createToken(request, { values }) {
      const created = await makeToken(deps, request);
      log.info({ ...logged(request), by: values.get(callKey)?.caller?.name }, "token created");
      return created;
    },
    listTokens: (request) => listTokens(pool, request),
    async revokeToken({ name }, { values }) {
      checkTokenName(name);
      await endToken(deps, name);
      log.info({ name, by: values.get(callKey)?.caller?.name }, "token revoked");
      return {};
    },
  };
}

async function makeToken(
  { engine, pool, guard: { tokens } }: TokenServiceDeps,
  request: CreateTokenRequest,
): Promise<MessageInitShape<typeof CreateTokenResponseSchema>> {
  const { name, role, regionId, expiresInMs = null } = wantedToken(request);
  const { id, text, secretHash } = newToken();
  const row = { id, name, role, regionId, expiresInMs, secretHash: secretHash.toString("hex") };
  const result = await engine.execute(createToken, { ...row, adminElsewhere: tokens.hasEnvAdmin });
  const refusal = whyNotCreated(result, name);
  if (refusal) throw refusal;
  await tokens.refresh();
  const token = await readToken(pool, name);
  return { ...(token && { token }), secret: text };
}

function whyNotCreated(result: CreateTokenResult | null, name: string): ConnectError | undefined {
  switch (result?.outcome) {
    case "created":
      return undefined;
    case "taken":
      return new ConnectError(
        `there is a token ${JSON.stringify(name)} already: revoke it first, or choose another name`,
        Code.AlreadyExists,
      );
    case "admin_first":
      return new ConnectError(
        "the first token must be an admin's, or nobody could make another one: begin with the role admin",
        Code.FailedPrecondition,
      );
    default:
      throw new TerminalError("the token could not be written, try again", "unavailable");
  }
}

async function listTokens(
  pool: Pool,
  request: ListTokensRequest,
): Promise<MessageInitShape<typeof ListTokensResponseSchema>> {
  const size = pageSizeFrom(request.pageSize);
  const [after = ""] = keyFromPageToken("tokens", request.pageToken, 1) ?? [];
  const { page, lastOfMore } = cutPage(await readTokens(pool, { after, limit: size + 1 }), size);
  return { tokens: [...page], nextPageToken: lastOfMore ? pageToken("tokens", lastOfMore.name) : "" };
}

async function endToken({ engine, guard }: TokenServiceDeps, name: string): Promise<void> {
  const result = await engine.execute(revokeToken, {
    name,
    adminElsewhere: guard.tokens.hasEnvAdmin,
    // Others would stay behind with a server that listens to nobody (A2).
    mayBeLast: guard.openWithoutTokens,
  });
  const refusal = whyNotRevoked(result, name);
  if (refusal) throw refusal;
  await guard.tokens.refresh();
}

function whyNotRevoked(result: RevokeTokenResult | null, name: string): ConnectError | undefined {
  switch (result?.outcome) {
    case "revoked":
      return undefined;
    case "unknown":
      return new ConnectError(`there is no token ${JSON.stringify(name)}`, Code.NotFound);
    case "last_admin":
      return new ConnectError(
        `${JSON.stringify(name)} is the last admin's token while there are others: make another admin first, or revoke the others`,
        Code.FailedPrecondition,
      );
    case "last":
      return new ConnectError(
        `${JSON.stringify(name)} is the only token, and without any this server would listen to nobody: make another admin first`,
        Code.FailedPrecondition,
      );
    default:
      throw new TerminalError("the token could not be revoked, try again", "unavailable");
  }
}

/** What a log may know of a request: the secret is not in it. */
function logged({ name, role, regionId }: CreateTokenRequest): object {
  return { name, role: roleWord(role), ...(regionId !== "" && { regionId }) };
}
