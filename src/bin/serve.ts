import type { ExitCode } from "../cli/index.ts";
import type { Config } from "../config/index.ts";
import { createLogger } from "./logger.ts";
import { runUntilStopped } from "./run-server.ts";
import type { ClusterAgentOptions } from "./start-cluster-agent.ts";
import { type RunningHydra, startHydra } from "./start-hydra.ts";
import type { Surroundings } from "./surroundings.ts";

export interface ServeOptions {
  config: Config;
  insecure: boolean;
  /** Of the kubeconfig, for the agent inside. */
  context: string | undefined;
  logFormat: "json" | "pretty";
}

/** `hydra serve`: the server, until it is told to stop. */
export async function serve(
  options: ServeOptions,
  { version, interrupted, terminal }: Surroundings,
): Promise<ExitCode> {
  const { config, insecure, context, logFormat } = options;
  const log = await createLogger({ level: config.logLevel, format: logFormat });
  const hydra = await startHydra({ config, version, log, insecure, signal: interrupted });
  try {
    await startAgent(hydra, { config, context, version, log, signal: interrupted });
  } catch (error) {
    await hydra.stop();
    throw error;
  }
  log.info({ url: hydra.url, version, startMs: hydra.phases.report() }, "hydra is ready");
  terminal.print(`listening on ${hydra.url}`);
  return runUntilStopped(hydra, log, interrupted);
}

/** The agent inside, where a region is named for it. */
async function startAgent(
  hydra: RunningHydra,
  options: Omit<ClusterAgentOptions, "client" | "regionId">,
): Promise<void> {
  const { agentRegion: regionId } = options.config;
  if (regionId === undefined) return;
  const [{ startClusterAgent }, { hydraClientOf }] = await Promise.all([
    import("./start-cluster-agent.ts"),
    import("../client/index.ts"),
  ]);
  const agent = await startClusterAgent({ ...options, regionId, client: hydraClientOf(hydra.transport).cluster });
  hydra.defer(() => agent.stop());
}
