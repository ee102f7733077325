import type { Logger } from "pino";
import { ExitCode } from "../cli/index.ts";

/** What runs: a hydra, or an agent. */
export interface Stoppable {
  /** Resolves when it cannot go on by itself; undefined: it always can. */
  readonly lost?: Promise<Error>;
  stop(): Promise<void>;
}

/** Waits until hydra is told to stop, or cannot go on, and stops it. Returns the exit code. */
export async function runUntilStopped(hydra: Stoppable, log: Logger, signal: AbortSignal): Promise<ExitCode> {
  const lost = await Promise.race([untilAborted(signal), ...(hydra.lost === undefined ? [] : [hydra.lost])]);
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
