/** Prelude of every effect that creates or revokes a token: the rules about admins are judged one at a time. */
export const LOCK_TOKENS = "select 1 from token_changes for update";

/** Rows of such effects wait for each other: each is judged by what the one before has left. */
export const ONE_TOKEN_CHANGE = () => "tokens";

/** A token that still works. */
export function isLive(alias: string): string {
  return `(${alias}.expires_at is null or ${alias}.expires_at > now())`;
}
