import type pg from "pg";

/** How connections are opened. */
export const CONNECTION = {
  keepAlive: true,
  // The system's own default is two hours.
  keepAliveInitialDelayMillis: 10_000,
  connectionTimeoutMillis: 5_000,
} as const;

/** An answer that must come at once, since nothing it waits for takes long. */
export const ANSWER_MS = 10_000;

/**
 * First statement of every session. Limits that somebody set for the role or the database would end what hydra must
 * not have ended; it has its own. Not as options of the connection: those of the URL would take their place, and a
 * pooler refuses them. `transaction_timeout` is there from Postgres 17 on.
 */
export function sessionSettings(statementTimeoutMs = 0): string {
  return `select set_config('statement_timeout', '${statementTimeoutMs}', false),
                 set_config('lock_timeout', '0', false),
                 set_config('idle_session_timeout', '0', false),
                 set_config('idle_in_transaction_session_timeout', '0', false),
                 case when current_setting('server_version_num')::int >= 170000
                   then set_config('transaction_timeout', '0', false) end`;
}

/** A statement that fails where the server is silent. */
export function inTime(text: string, values: unknown[] = []): pg.QueryConfig {
  return { text, query_timeout: ANSWER_MS, ...(values.length > 0 && { values }) } as pg.QueryConfig;
}
