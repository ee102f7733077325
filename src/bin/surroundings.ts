import type { ExitCode, Terminal } from "../cli/index.ts";
import type { Config } from "../config/index.ts";

/** What the process gives to its commands. */
export interface Surroundings {
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly terminal: Terminal;
  /** Aborted by the first Ctrl-C. */
  readonly interrupted: AbortSignal;
  /** The command is a server: it outlives whoever reads its output. */
  readonly onServing: () => void;
  readonly onExit: (exitCode: ExitCode) => void;
}
