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
  return `select set_config(name, case name when 'statement_timeout' then '${statementTimeoutMs}' else '0' end, false)
            from pg_settings
           where name in ('statement_timeout', 'lock_timeout', 'transaction_timeout',
                          'idle_session_timeout', 'idle_in_transaction_session_timeout')`;
}
