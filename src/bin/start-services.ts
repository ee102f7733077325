import type { Transport } from "@connectrpc/connect";
import pg from "pg";
import type { Logger } from "pino";
import { createEngine, migrate, TerminalError } from "../engine/index.ts";
import { rolloutHandlers, rolloutMigrations, startTrimmingLog } from "../rollout/index.ts";
import { ListenError, startServer } from "../server/index.ts";
import type { Phases } from "./phases.ts";
import type { ReleaseStack } from "./release-stack.ts";
import type { HydraOptions } from "./start-hydra.ts";
import { UserError } from "./user-error.ts";

/**
 * Brings the schema up to date, then starts the engine and the server on a
 * Postgres that answers. What has been started is put on `started`, also where
 * a later step fails.
 */
export async function startServices(
  options: HydraOptions,
  databaseUrl: string,
  started: ReleaseStack,
  phases: Phases,
): Promise<{ url: string; transport: Transport }> {
  const { config, version, log, signal, insecure: allowInsecure = false } = options;
  await phases.measure("migrations", () => bringUpToDate(databaseUrl));
  const pool = openPool(databaseUrl, log);
  started.defer(() => pool.end());

  const engine = openEngine(options, databaseUrl);
  started.defer(() => engine.stop());
  await phases.measure("engine", () => engine.start());
  const trimming = startTrimmingLog(engine, log);
  started.defer(() => trimming.stop());
  signal.throwIfAborted();

  const { host, port, maxBodyBytes, corsOrigins, retentionMs } = config;
  const address = { host, port, maxBodyBytes, corsOrigins, retentionMs, allowInsecure };
  const server = await phases.measure("server", () =>
    startServer({ engine, pool, databaseUrl, log, version, ...address }).catch((error: unknown) => {
      if (!(error instanceof ListenError)) throw error;
      throw new UserError(`${error.message}. See --port and --host, or HYDRA_PORT and HYDRA_HOST.`, { cause: error });
    }),
  );
  started.defer(() => server.stop());
  return { url: server.url, transport: server.transport };
}

async function bringUpToDate(databaseUrl: string): Promise<void> {
  try {
    await migrate({ databaseUrl, ...rolloutMigrations });
  } catch (error) {
    throw error instanceof TerminalError ? new UserError(`${error.message}.`, { cause: error }) : error;
  }
}

function openEngine({ config, log }: HydraOptions, databaseUrl: string) {
  const { deployTimeoutMs, webhookAllowedHosts: allowedWebhookHosts, secretKey, leaseMs, retentionMs } = config;
  const handlers = rolloutHandlers({
    deployTimeoutMs,
    allowedWebhookHosts,
    hasDefaultWebhook: config.slackWebhookUrl !== undefined,
    ...(secretKey === undefined ? {} : { secretKey }),
    log,
  });
  return createEngine({ databaseUrl, handlers, log, limits: { leaseMs, retentionMs } });
}

function openPool(connectionString: string, log: Logger): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: 10, application_name: "hydra" });
  // A connection that breaks may say so twice, and the pool listens to the first time only.
  pool.on("connect", (client) => client.on("error", () => {}));
  // An idle connection that breaks: the next query opens another one.
  pool.on("error", (error) => log.debug({ reason: error.message }, "an idle database connection was lost"));
  return pool;
}
