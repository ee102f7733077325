import { Command } from "@commander-js/extra-typings";
import { addOperatorCommands } from "../../src/cli/operator-commands.ts";
import { createStyle } from "../../src/cli/terminal.ts";
import { recordingTerminal } from "./recording-terminal.ts";

export interface HydraOptions {
  interrupted?: AbortSignal;
  token?: string;
  tokenFile?: string;
  caFile?: string;
  /** Columns of a terminal; unset: the output is a pipe. */
  columns?: number;
  /** Whether the terminal shows more than ASCII. Default: true. */
  unicode?: boolean;
}

/** Runs a command of an operator in this process, to its end. */
export async function hydra(url: string, args: readonly string[], options: HydraOptions = {}) {
  const { interrupted = new AbortController().signal, token, tokenFile, caFile, columns, unicode = true } = options;
  const pipe = recordingTerminal();
  const style = createStyle({ color: false, unicode });
  const terminal = columns === undefined ? pipe : { ...pipe, style, live: true, size: () => ({ columns, rows: 24 }) };
  let exitCode: number | undefined;
  const program = new Command("hydra").exitOverride();
  const onExit = (code: number) => void (exitCode = code);
  addOperatorCommands(program, { terminal, url, token, tokenFile, caFile, interrupted, onExit });
  await program.parseAsync(args, { from: "user" });
  return { exitCode, printed: pipe.printed, complaints: pipe.complaints };
}
