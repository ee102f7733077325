import type { ConvergeRange } from "../agent/index.ts";
import type { Logger } from "pino";
import type { ExitCode } from "../cli/index.ts";
import type { Config } from "../config/index.ts";
import { devHints } from "./dev-hints.ts";
import { createLogger } from "./logger.ts";
import { runUntilStopped } from "./run-server.ts";
import { type RunningHydra, startHydra } from "./start-hydra.ts";
import type { Surroundings } from "./surroundings.ts";
import { UsageError } from "./user-error.ts";

export interface DevOptions {
  config: Config;
  /** Sentinels in the simulated fleet. */
  sentinels: number;
  /** How long they take to converge. */
  convergeMs: ConvergeRange;
  /** Those that fail on every new image, with the class of the failure or ''. */
  failures: ReadonlyMap<string, string>;
  seed: number;
  logFormat: "json" | "pretty";
}

/** `hydra dev`: server, database and a simulated fleet in one process, until it is told to stop. */
export async function dev(options: DevOptions, surroundings: Surroundings): Promise<ExitCode> {
  const { config } = options;
  const { version, interrupted, terminal } = surroundings;
  await checkFailures(options.failures);
  const log = await createLogger({ level: config.logLevel, format: options.logFormat });
  const hydra = await startHydra({ config, version, log, signal: interrupted });
  let fleetSize: number;
  try {
    fleetSize = await startFleet(hydra, options, { version, log });
  } catch (error) {
    await hydra.stop();
    throw error;
  }
  log.debug({ startMs: hydra.phases.report() }, "hydra is ready");
  terminal.print(devHints(hydra.url, { config, fleetSize }).join("\n"));
  return runUntilStopped(hydra, log, interrupted);
}

/** Returns how many sentinels there are. */
async function startFleet(
  hydra: RunningHydra,
  { sentinels, convergeMs, failures, seed }: DevOptions,
  { version, log }: { version: string; log: Logger },
): Promise<number> {
  const { transport, phases } = hydra;
  const [{ startSimulatedFleet }, { ensureFleet }] = await Promise.all([
    import("../agent/index.ts"),
    import("./dev-fleet.ts"),
  ]);
  const { size, regionIds } = await phases.measure("fleet", () => ensureFleet(transport, sentinels));
  const fleet = startSimulatedFleet({ transport, regionIds, convergeMs, failures, seed, version, log });
  hydra.defer(() => fleet.stop());
  return size;
}

/** Before anything is started: the fleet would say it too, but later. */
async function checkFailures(failures: ReadonlyMap<string, string>): Promise<void> {
  if (failures.size === 0) return;
  const { DeployFailureClass, DeployFailureClassSchema } = await import("../client/index.ts");
  const known = DeployFailureClassSchema.values
    .filter(({ number }) => number !== DeployFailureClass.UNSPECIFIED)
    .map(({ localName }) => localName.toLowerCase());
  const unknown = [...failures.values()].find((name) => name !== "" && !known.includes(name));
  if (unknown === undefined) return;
  throw new UsageError(`--fail knows no class ${JSON.stringify(unknown)}: accepted are ${known.join(", ")}.`);
}
