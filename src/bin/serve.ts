import type { ExitCode } from "../cli/index.ts";
import type { Config } from "../config.ts";
import { createLogger } from "./logger.ts";
import { runUntilStopped } from "./run-server.ts";
import { startHydra } from "./start-hydra.ts";
import type { Surroundings } from "./surroundings.ts";

export interface ServeOptions {
  config: Config;
  insecure: boolean;
  logFormat: "json" | "pretty";
}

/** `hydra serve`: the server, until it is told to stop. */
export async function serve(
  options: ServeOptions,
  { version, interrupted, terminal }: Surroundings,
): Promise<ExitCode> {
  const { config, insecure, logFormat } = options;
  const log = await createLogger({ level: config.logLevel, format: logFormat });
  const hydra = await startHydra({ config, version, log, insecure, signal: interrupted });
  log.info({ url: hydra.url, version, startMs: hydra.phases.report() }, "hydra is ready");
  terminal.print(`listening on ${hydra.url}`);
  return runUntilStopped(hydra, log, interrupted);
}
