import { defineEffect } from "../../engine/index.ts";
import { LOCK_TOKENS, ONE_TOKEN_CHANGE } from "./token-sql.ts";

export interface CreateTokenRow {
  id: string;
  name: string;
  role: string;
  /** Empty with every role but `agent`. */
  regionId: string;
  /** SHA-256 of the secret in hexadecimal digits. */
  secretHash: string;
  /** Milliseconds from now; null: it does not expire. */
  expiresInMs: number | null;
  /** Somebody is an admin without a token in the table. */
  adminElsewhere: boolean;
}

export interface CreateTokenResult {
  /** `taken`: there is one of that name. `admin_first`: it would be the first, and is no admin's. */
  outcome: "created" | "taken" | "admin_first";
}

/** Writes a token, unless its name is taken or nobody could be an admin then. */
export const createToken = defineEffect<CreateTokenRow, CreateTokenResult>({
  name: "create_token",
  input: {
    id: "text",
    name: "text",
    role: "text",
    regionId: "text",
    secretHash: "text",
    expiresInMs: "int8",
    adminElsewhere: "bool",
  },
  output: { outcome: "text" },
  prelude: LOCK_TOKENS,
  record: ONE_TOKEN_CHANGE,
  sql: `
with asked as materialized (
  select input.*,
         case when exists (select from tokens as t where t.name = input.name) then 'taken'
              when input.role <> 'admin' and not input.admin_elsewhere and not exists (select from tokens) then 'admin_first'
              else 'created' end as outcome
    from $input
),
created as (
  insert into tokens (id, name, role, region_id, secret_hash, expires_at)
  select id, name, role, region_id, decode(secret_hash, 'hex'), now() + expires_in_ms * interval '1 millisecond'
    from asked where outcome = 'created'
),
moved as (
  update token_changes set version = version + 1 where exists (select from asked where outcome = 'created')
)
select ord, outcome from asked`,
});
