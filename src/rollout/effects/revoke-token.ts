import { defineEffect } from "../../engine/index.ts";
import { isLive, LOCK_TOKENS, ONE_TOKEN_CHANGE } from "./token-sql.ts";

export interface RevokeTokenRow {
  name: string;
  /** Somebody is an admin without a token in the table. */
  adminElsewhere: boolean;
  /** Whoever asks may leave no token behind: that opens it to its own machine and to nobody else. */
  mayBeLast: boolean;
}

export interface RevokeTokenResult {
  /**
   * `unknown`: there is none of that name. `last`: it is the only one, and may not be.
   * `last_admin`: the others that still work are no admins.
   */
  outcome: "revoked" | "unknown" | "last" | "last_admin";
}

/** Deletes a token, unless nobody could be an admin then while others still have tokens. */
export const revokeToken = defineEffect<RevokeTokenRow, RevokeTokenResult>({
  name: "revoke_token",
  input: { name: "text", adminElsewhere: "bool", mayBeLast: "bool" },
  output: { outcome: "text" },
  prelude: LOCK_TOKENS,
  record: ONE_TOKEN_CHANGE,
  sql: `
with asked as materialized (
  select input.ord, t.id,
         case when t.id is null then 'unknown'
              when input.admin_elsewhere then 'revoked'
              when not others.has_any then case when input.may_be_last then 'revoked' else 'last' end
              when t.role = 'admin' and ${isLive("t")} and not others.has_admin then 'last_admin'
              else 'revoked' end as outcome
    from $input
    left join tokens as t on t.name = input.name
   cross join lateral (
      select count(*) > 0 as has_any, count(*) filter (where o.role = 'admin' and ${isLive("o")}) > 0 as has_admin
        from tokens as o where o.id is distinct from t.id
   ) as others
),
revoked as (
  delete from tokens as t using asked where asked.outcome = 'revoked' and t.id = asked.id
),
moved as (
  update token_changes set version = version + 1 where exists (select from asked where outcome = 'revoked')
)
select ord, outcome from asked`,
});
