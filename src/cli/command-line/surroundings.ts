import type { ExitCode } from "../exit-codes.ts";
import type { ClusterDoor } from "../import/from-cluster/found-deployments.ts";
import type { Terminal } from "../terminal.ts";

/** What the process gives to the commands that speak to a server. */
export interface CliSurroundings {
  terminal: Terminal;
  /** Where the server is, unless `--url` says otherwise. */
  url: string;
  token: string | undefined;
  /** File with the token, where there is none in `token`. */
  tokenFile?: string | undefined;
  /** File with authorities to trust besides those of the system. */
  caFile?: string | undefined;
  /** To a cluster, for the import of what is there. */
  cluster?: ClusterDoor;
  /** Aborted by Ctrl-C. */
  interrupted: AbortSignal;
  /** Told the exit code when a command has ended. */
  onExit: (exitCode: ExitCode) => void;
}
