import { Command } from "@commander-js/extra-typings";
import { ExitCode } from "../exit-codes.ts";
import type { Session } from "../session.ts";
import type { CliSurroundings } from "./surroundings.ts";

/** A command with the options that all have which speak to a server. */
export function serverCommand(name: string, summary: string) {
  return new Command(name)
    .description(summary)
    .option("--url <url>", "server (HYDRA_URL; http://127.0.0.1:8080 unless set)")
    .option("--token <token>", "bearer token (HYDRA_TOKEN)")
    .option("--json", "one JSON object a line", false);
}

export interface ConnectionOptions {
  url?: string | undefined;
  token?: string | undefined;
  json: boolean;
}

/** Runs a command against the server and tells what went wrong, with the exit code for it. */
export async function run(
  surroundings: CliSurroundings,
  { url = surroundings.url, token = surroundings.token, json }: ConnectionOptions,
  command: (session: Session) => Promise<ExitCode>,
): Promise<void> {
  const [{ createSession }, { checkConnection }, { explainFailure }] = await Promise.all([
    import("../session.ts"),
    import("../connection.ts"),
    import("../failure.ts"),
  ]);
  try {
    const connection = checkConnection({ url, token });
    surroundings.onExit(await command(createSession({ ...connection, json }, surroundings)));
  } catch (error) {
    if (surroundings.interrupted.aborted) return surroundings.onExit(ExitCode.INTERRUPTED);
    const { message, exitCode } = explainFailure(error, { url, token });
    surroundings.terminal.complain(message);
    surroundings.onExit(exitCode);
  }
}
