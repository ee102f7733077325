import type { Transport } from "@connectrpc/connect";
import type pg from "pg";
import { createEngine, type Engine, type EngineLog, migrate, TerminalError, warnOfNewer } from "../engine/index.ts";
import { checkWebhookUrl, rolloutHandlers, rolloutMigrations, startNotifier, startTrimming } from "../rollout/index.ts";
import { CertificateError, ListenError, Metrics, startServer, startTraces, type TlsFiles } from "../server/index.ts";
import type { Phases } from "./phases.ts";
import type { ReleaseStack } from "./release-stack.ts";
import { openServerPool } from "./server-pool.ts";
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
  checkDefaultWebhook(options);
  await phases.measure("migrations", () => bringUpToDate(databaseUrl, log));
  const connections = openServerPool(databaseUrl, log);
  started.defer(() => connections.end());
  const { pool } = connections;

  const metrics = new Metrics();
  const engine = openEngine(options, databaseUrl, metrics);
  started.defer(() => engine.stop());
  await phases.measure("engine", () => engine.start().catch(tellRefusal));
  const trimming = startTrimming({ engine, log, historyMs: config.historyRetentionMs });
  started.defer(() => trimming.stop());
  const notifier = openNotifier(options, engine, pool, metrics);
  started.defer(() => notifier.stop());
  if (config.tracesEndpoint !== undefined) {
    const traces = await startTraces({ engine, pool, log, version, endpoint: config.tracesEndpoint });
    started.defer(() => traces.stop());
  }
  signal.throwIfAborted();

  const { host, port, maxBodyBytes, corsOrigins, retentionMs, adminToken } = config;
  const address = {
    host,
    port,
    maxBodyBytes,
    corsOrigins,
    retentionMs,
    allowInsecure,
    adminToken,
    tls: tlsFiles(options),
  };
  const server = await phases.measure("server", () =>
    startServer({ engine, pool, databaseUrl, log, version, metrics, ...address }).catch((error: unknown) => {
      if (error instanceof CertificateError) throw new UserError(`${error.message}.`, { cause: error });
      if (!(error instanceof ListenError)) throw error;
      throw new UserError(`${error.message}. See --port and --host, or HYDRA_PORT and HYDRA_HOST.`, { cause: error });
    }),
  );
  started.defer(() => server.stop());
  started.defer(() => connections.hurry());
  return { url: server.url, transport: server.transport };
}

/** Undefined: no TLS. */
function tlsFiles({ config: { tlsCertFile: certFile, tlsKeyFile: keyFile } }: HydraOptions): TlsFiles | undefined {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile };
  const [set, missing] = certFile === undefined ? ["KEY", "CERT"] : ["CERT", "KEY"];
  throw new UserError(
    `HYDRA_TLS_${set}_FILE is set and HYDRA_TLS_${missing}_FILE is not: TLS takes both. Set it, or neither.`,
  );
}

/** One that no message could go to is found at the start. */
function checkDefaultWebhook({ config: { slackWebhookUrl, webhookAllowedHosts } }: HydraOptions): void {
  if (slackWebhookUrl === undefined) return;
  try {
    checkWebhookUrl(slackWebhookUrl, webhookAllowedHosts, "HYDRA_SLACK_WEBHOOK_URL");
  } catch (error) {
    throw new UserError(`${(error as Error).message}.`);
  }
}

async function bringUpToDate(databaseUrl: string, log: EngineLog): Promise<void> {
  warnOfNewer(log, await migrate({ databaseUrl, ...rolloutMigrations }).catch(tellRefusal));
}

/** What the engine has words for is for the person at the terminal: a database that this release cannot work on. */
function tellRefusal(error: unknown): never {
  throw error instanceof TerminalError ? new UserError(`${error.message}.`, { cause: error }) : error;
}

function openEngine({ config, log }: HydraOptions, databaseUrl: string, metrics: Metrics) {
  const { deployTimeoutMs, webhookAllowedHosts: allowedWebhookHosts, secretKey, leaseMs, retentionMs } = config;
  const handlers = rolloutHandlers({
    deployTimeoutMs,
    allowedWebhookHosts,
    hasDefaultWebhook: config.slackWebhookUrl !== undefined,
    ...(secretKey === undefined ? {} : { secretKey }),
    log,
    observer: metrics.rollout,
  });
  return createEngine({ databaseUrl, handlers, log, observer: metrics.engine, limits: { leaseMs, retentionMs } });
}

function openNotifier({ config, log }: HydraOptions, engine: Engine, pool: pg.Pool, metrics: Metrics) {
  const { slackWebhookUrl: defaultWebhook, webhookAllowedHosts: allowedWebhookHosts, secretKey, publicUrl } = config;
  const webhooks = { defaultWebhook, allowedWebhookHosts, secretKey, publicUrl };
  return startNotifier({ engine, pool, log, observer: metrics.notifications, ...webhooks });
}
