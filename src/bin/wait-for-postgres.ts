import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { UserError } from "./user-error.ts";

export interface WaitForPostgresOptions {
  databaseUrl: string;
  waitMs: number;
  log: WaitLog;
  signal: AbortSignal;
}

/** pino's loggers fit. */
export interface WaitLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

const PAUSE_MS = 500;
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Resolves once Postgres answers; says once that it waits.
 *
 * @throws UserError where it does not answer in time, or refuses hydra for good.
 */
export async function waitForPostgres({ databaseUrl, waitMs, log, signal }: WaitForPostgresOptions): Promise<void> {
  const deadline = performance.now() + waitMs;
  for (let tries = 1; ; tries++) {
    const error = await tryToConnect(databaseUrl);
    if (error === undefined) {
      if (tries > 1) log.info({ database: placeOf(databaseUrl) }, "Postgres answers");
      return;
    }
    if (!isPassing(error)) throw new UserError(refusalText(databaseUrl, error), { cause: error });
    if (performance.now() > deadline || signal.aborted)
      throw new UserError(absenceText(databaseUrl, error), { cause: error });
    if (tries === 1)
      log.warn({ database: placeOf(databaseUrl), waitMs, reason: reasonOf(error) }, "waiting for Postgres");
    await delay(PAUSE_MS, undefined, { signal }).catch(() => {});
  }
}

async function tryToConnect(connectionString: string): Promise<Error | undefined> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on("error", () => {});
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    return error as Error;
  } finally {
    await client.end().catch(() => {});
  }
}

/** Refusals of a server that is up carry a SQLSTATE; of those only class 57 (starting, stopping) and 53 (full) pass. */
function isPassing(error: Error): boolean {
  const code = (error as { code?: string }).code ?? "";
  return !/^[0-9A-Z]{5}$/.test(code) || /^(57P|53)/.test(code);
}

function refusalText(databaseUrl: string, error: Error): string {
  return `Postgres at ${placeOf(databaseUrl)} refuses hydra: ${reasonOf(error)}. Check DATABASE_URL.`;
}

function absenceText(databaseUrl: string, error: Error): string {
  if ((error as { code?: string }).code === "53300") {
    return (
      `Postgres at ${placeOf(databaseUrl)} has no connection left for hydra, which takes up to 21: ${reasonOf(error)}. ` +
      `Raise max_connections or the limit of the role or database, or end other sessions.`
    );
  }
  return (
    `no Postgres at ${placeOf(databaseUrl)}: ${reasonOf(error)}. Start it or check DATABASE_URL; ` +
    `without DATABASE_URL hydra brings its own.`
  );
}

/** Host, port and database: never the password. */
export function placeOf(databaseUrl: string): string {
  const url = URL.parse(databaseUrl);
  if (url === null) return "the address in DATABASE_URL";
  const host = url.searchParams.get("host") ?? (decodeURIComponent(url.hostname) || "localhost");
  return `${host}:${url.port || "5432"}${url.pathname}`;
}

function reasonOf(error: Error): string {
  const first = error instanceof AggregateError ? (error.errors[0] as Error | undefined) : undefined;
  return (first ?? error).message || ((error as { code?: string }).code ?? "no answer");
}
