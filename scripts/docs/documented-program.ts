import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { createProgram } from "../../src/bin/program.ts";
import { createTerminal } from "../../src/cli/index.ts";
import { loadConfig } from "../../src/config/index.ts";

const COLUMNS = 110;

/** The program as somebody has it who has set nothing, with room for its help. It is there to be read, not run. */
export function documentedProgram(): CommandUnknownOpts {
  const terminal = {
    ...createTerminal(process.stdout, process.stderr, {}),
    live: false,
    size: () => ({ columns: COLUMNS, rows: 24 }),
  };
  return createProgram({
    config: loadConfig({}),
    env: {},
    version: "0.0.0",
    terminal,
    interrupted: new AbortController().signal,
    onServing: () => {},
    onExit: () => {},
  });
}
