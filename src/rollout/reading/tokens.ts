import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Token, TokenSchema } from "../../gen/hydra/v1/token_pb.ts";
import { type Database, rowsOf } from "./database.ts";
import { tokenRoles } from "./enum-names.ts";

interface TokenRow {
  name: string;
  role: string;
  region_id: string;
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
}

interface CredentialRow extends TokenRow {
  id: string;
  secret_hash: Buffer;
  expires_in_ms: number | null;
}

/** What a server needs to know of a token to judge its bearer. */
export interface TokenCredential {
  /** Finds it; no secret. */
  readonly id: string;
  /** SHA-256. */
  readonly secretHash: Buffer;
  /** By the clock of the database, from when it was read; undefined: it does not expire. */
  readonly expiresInMs: number | undefined;
  readonly token: Token;
}

export interface TokenPage {
  /** Only names after this one; empty: from the first. */
  readonly after: string;
  readonly limit: number;
}

/** Is another one after every token that is created or revoked, and where the database was put back (R12). */
export async function readTokensVersion(database: Database): Promise<string> {
  const [row] = await rowsOf<{ version: string }>(
    database,
    "select version || ' ' || rollout_log_run() as version from token_changes",
  );
  return row?.version ?? "";
}

/** Tokens without their secrets, in the order of their names. */
export async function readTokens(database: Database, { after, limit }: TokenPage): Promise<Token[]> {
  const rows = await rowsOf<TokenRow>(
    database,
    `select name, role, region_id, created_at, expires_at, last_used_at
       from tokens where name > $1::text order by name limit $2::int`,
    [after, limit],
  );
  return rows.map(tokenFromRow);
}

/** One token without its secret. Undefined: there is none of this name. */
export async function readToken(database: Database, name: string): Promise<Token | undefined> {
  const [row] = await rowsOf<TokenRow>(
    database,
    `select name, role, region_id, created_at, expires_at, last_used_at from tokens where name = $1::text`,
    [name],
  );
  return row && tokenFromRow(row);
}

/** All of them, for a server that judges callers by them. */
export async function readTokenCredentials(database: Database): Promise<TokenCredential[]> {
  const rows = await rowsOf<CredentialRow>(
    database,
    `select id, name, role, region_id, created_at, expires_at, last_used_at, secret_hash,
            (extract(epoch from expires_at - now()) * 1000)::float8 as expires_in_ms
       from tokens`,
  );
  return rows.map((row) => ({
    id: row.id,
    secretHash: row.secret_hash,
    expiresInMs: row.expires_in_ms ?? undefined,
    token: tokenFromRow(row),
  }));
}

function tokenFromRow(row: TokenRow): Token {
  return create(TokenSchema, {
    name: row.name,
    role: tokenRoles.valueOf(row.role),
    regionId: row.region_id,
    createdAt: timestampFromDate(row.created_at),
    ...(row.expires_at && { expiresAt: timestampFromDate(row.expires_at) }),
    ...(row.last_used_at && { lastUsedAt: timestampFromDate(row.last_used_at) }),
  });
}
