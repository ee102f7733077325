import type { AgentStatus } from "../agent/index.ts";
import type { Connection, ExitCode } from "../cli/index.ts";
import type { Config } from "../config/index.ts";
import { createLogger } from "./logger.ts";
import { ReleaseStack } from "./release-stack.ts";
import { runUntilStopped } from "./run-server.ts";
import { startClusterAgent } from "./start-cluster-agent.ts";
import type { Surroundings } from "./surroundings.ts";
import { UsageError, UserError } from "./user-error.ts";

export interface AgentCommandOptions {
  config: Config;
  /** Of the kubeconfig. */
  context: string | undefined;
  /** To the server. */
  connection: Connection;
  logFormat: "json" | "pretty";
}

/** `hydra agent`: the agent of one cluster, until it is told to stop. */
export async function agent(
  { config, context, connection, logFormat }: AgentCommandOptions,
  { version, interrupted, terminal }: Surroundings,
): Promise<ExitCode> {
  const { agentRegion: regionId } = config;
  if (regionId === undefined) throw new UsageError("which region? Name it with --region or HYDRA_AGENT_REGION.");
  const log = await createLogger({ level: config.logLevel, format: logFormat });
  const { createHydraClient } = await import("../client/index.ts");
  const { url: baseUrl, token, authority } = connection;
  const { cluster: client } = createHydraClient({
    baseUrl,
    ...(token === undefined ? {} : { token }),
    ...(authority === undefined ? {} : { authority }),
  });
  const started = new ReleaseStack();
  const running = await startClusterAgent({ client, config, context, regionId, version, log, signal: interrupted });
  started.defer(() => running.stop());
  try {
    const pages = await servePages(config, version, () => running.status());
    if (pages !== undefined) {
      started.defer(() => pages.stop());
      log.info({ url: pages.url }, "probes and metrics are served");
    }
  } catch (error) {
    await started.release();
    throw error;
  }
  terminal.print(`agent of region ${regionId}, for ${baseUrl}`);
  return runUntilStopped({ stop: () => started.release() }, log, interrupted);
}

async function servePages(
  { agentHealthHost: host, agentHealthPort: port }: Config,
  version: string,
  status: () => AgentStatus,
) {
  if (port === undefined) return undefined;
  const { startAgentPages } = await import("../agent/index.ts");
  return startAgentPages({ host, port, version, status }).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(
      `cannot listen on ${host}:${port} (${code}). See --health-port, or HYDRA_AGENT_HEALTH_PORT and HYDRA_AGENT_HEALTH_HOST.`,
      { cause: error },
    );
  });
}
