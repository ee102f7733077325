import { Command } from "@commander-js/extra-typings";
import { ExitCode } from "../exit-codes.ts";
import type { Connection } from "../connection.ts";
import type { Session } from "../session.ts";
import type { CliSurroundings } from "./surroundings.ts";

/** A command with the options that all have which speak to a server. */
export function serverCommand(name: string, summary: string) {
  return new Command(name)
    .description(summary)
    .option("--url <url>", "server (HYDRA_URL; http://127.0.0.1:8080 unless set)")
    .option("--token <token>", "bearer token (HYDRA_TOKEN, or HYDRA_TOKEN_FILE)")
    .option("--json", "one JSON object a line", false);
}

interface ConnectionOptions {
  url?: string | undefined;
  token?: string | undefined;
}

/** Runs a command against the server and tells what went wrong, with the exit code for it. */
export async function run(
  surroundings: CliSurroundings,
  options: ConnectionOptions & { json: boolean },
  command: (session: Session) => Promise<ExitCode>,
): Promise<void> {
  const { json } = options;
  const loading = import("../session.ts");
  return withConnection(surroundings, options, async (connection) => {
    const { createSession } = await loading;
    return command(createSession({ ...connection, json }, surroundings));
  });
}

/** As `run`, for a command that speaks to the server in its own way. Errors that are not about the server come through. */
export async function withConnection(
  surroundings: CliSurroundings,
  { url = surroundings.url, token: text = surroundings.token }: ConnectionOptions,
  command: (connection: Connection) => Promise<ExitCode>,
): Promise<void> {
  const [{ checkConnection }, { explainFailure }, { authorityFromFile, tokenFromFile }] = await Promise.all([
    import("../connection.ts"),
    import("../failure.ts"),
    import("../../client/index.ts"),
  ]);
  const token = text ?? (surroundings.tokenFile === undefined ? undefined : tokenFromFile(surroundings.tokenFile));
  try {
    const connection = checkConnection({ url, token });
    const authority = surroundings.caFile === undefined ? undefined : authorityFromFile(surroundings.caFile);
    surroundings.onExit(await command({ ...connection, authority }));
  } catch (error) {
    if (surroundings.interrupted.aborted) return surroundings.onExit(ExitCode.INTERRUPTED);
    const { message, exitCode } = explainFailure(error, { url, token });
    surroundings.terminal.complain(message);
    surroundings.onExit(exitCode);
  }
}
