// The program `hydra`: puts the parts together. Alone in reading process.env, handling signals and exiting.

import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { CommanderError } from "@commander-js/extra-typings";
import { createTerminal, ExitCode } from "../cli/index.ts";
import { ConfigError, loadConfig } from "../config/index.ts";
import { createProgram } from "./program.ts";
import { listenForSignals, withSignal } from "./signals.ts";
import { StartGivenUpError, UsageError, UserError } from "./user-error.ts";

/** As after a SIGHUP, which may come later than the first failed write. */
const TERMINAL_GONE = 129;

process.exit(await main());

async function main(): Promise<number> {
  const { env, stdout, stderr } = process;
  const terminal = createTerminal(stdout, stderr, env);
  const interrupted = listenForSignals((exitCode) => process.exit(exitCode));
  let serving = false;
  // Whoever read the output has gone: a program (`hydra watch | head -1`), or a terminal. Or it is a file on a full
  // disk. A server goes on without.
  stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
    if (serving) return;
    if (stdout.isTTY) process.exit(TERMINAL_GONE);
    if (code === "EPIPE") process.exit(ExitCode.DONE);
    terminal.complain(`the output could not be written (${message}): it is not complete.`);
    process.exit(ExitCode.ERROR);
  });
  stderr.on("error", () => {});
  process.on("exit", () => terminal.restore());
  try {
    let exitCode = 0;
    const program = createProgram({
      config: loadConfig(env),
      env,
      version: ownVersion(),
      terminal,
      interrupted,
      onServing: () => (serving = true),
      onExit: (code) => (exitCode = code),
    });
    await program.parseAsync();
    return withSignal(exitCode, interrupted);
  } catch (error) {
    return withSignal(explain(error, terminal.complain), interrupted);
  } finally {
    if (!interrupted.aborted) await written(stdout);
  }
}

/** Resolves once a reader that is slower than hydra has been given everything: ending the process would lose the rest. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}

function explain(error: unknown, complain: (line: string) => void): number {
  // Commander has already said what is wrong.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.DONE : ExitCode.USAGE;
  if (error instanceof StartGivenUpError) return ExitCode.INTERRUPTED;
  if (error instanceof ConfigError || error instanceof UsageError) {
    complain(error.message);
    return ExitCode.USAGE;
  }
  complain(error instanceof UserError ? error.message : `hydra has a defect:\n${inspect(error)}`);
  return ExitCode.ERROR;
}

function ownVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
