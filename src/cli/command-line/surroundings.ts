import type { ExitCode } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";

/** What the process gives to the commands that speak to a server. */
export interface CliSurroundings {
  terminal: Terminal;
  /** Where the server is, unless `--url` says otherwise. */
  url: string;
  token: string | undefined;
  /** Aborted by Ctrl-C. */
  interrupted: AbortSignal;
  /** Told the exit code when a command has ended. */
  onExit: (exitCode: ExitCode) => void;
}
