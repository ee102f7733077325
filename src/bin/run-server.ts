import type { Logger } from "pino";
import { ExitCode } from "../cli/index.ts";
import type { RunningHydra } from "./start-hydra.ts";

/** Waits until hydra is told to stop, or cannot go on, and stops it. Returns the exit code. */
export async function runUntilStopped(hydra: RunningHydra, log: Logger, signal: AbortSignal): Promise<ExitCode> {
  const lost = await Promise.race([hydra.lost, untilAborted(signal)]);
  if (lost === undefined) log.info("stopping; once more (Ctrl-C) stops at once");
  else log.fatal({ err: lost }, "hydra cannot go on and stops");
  await hydra.stop();
  log.info("stopped");
  return lost === undefined ? ExitCode.DONE : ExitCode.ERROR;
}

function untilAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
