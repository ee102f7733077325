// Commands that speak to a server. Each one's code is loaded when it runs: `hydra --help` waits for none of it.

import { type Command, InvalidArgumentError, Option, Command as Program } from "@commander-js/extra-typings";
import { ExitCode } from "./exit-codes.ts";
import type { Session } from "./session.ts";
import type { Terminal } from "./terminal.ts";

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

/** Adds `rollout`, `resume`, `cancel`, `rollback`, `status` and `watch`. */
export function addOperatorCommands(program: Command, surroundings: CliSurroundings): void {
  const commands = [rolloutCommand, resumeCommand, cancelCommand, rollbackCommand, statusCommand, watchCommand];
  for (const command of commands) program.addCommand(command(surroundings));
}

const EXIT_CODES = `
Exit codes: 0 completed, 1 error or refused, 2 wrong usage, 3 paused, 4 cancelled, 5 no server or connection lost.`;

function rolloutCommand(surroundings: CliSurroundings) {
  return operatorCommand("rollout", "roll an image out over all running sentinels, and draw it until it has ended")
    .argument("<image>", "image reference, for example ghcr.io/acme/sentinel:v1.2.3")
    .option(
      "--waves <percentages>",
      "where each wave ends, in percent (server's default: 1,5,25,50,100)",
      parsePercentages,
    )
    .option("--slack-webhook-url <url>", "Slack webhook for this rollout")
    .option("--detach", "only start it", false)
    .addHelpText("after", EXIT_CODES)
    .addHelpText(
      "after",
      examples(
        "hydra rollout ghcr.io/acme/sentinel:v1.2.3",
        "hydra rollout ghcr.io/acme/sentinel:v1.2.3 --waves 10,50,100 --detach",
      ),
    )
    .action((image, { waves, slackWebhookUrl, detach, ...connection }) =>
      run(surroundings, connection, async (session) => {
        const { rollout } = await import("./commands/rollout.ts");
        return rollout(session, { image, waves, slackWebhookUrl, detach });
      }),
    );
}

function resumeCommand(surroundings: CliSurroundings) {
  return operatorCommand("resume", "go on with the next wave of a paused rollout, and draw it until it has ended")
    .argument("[rollout-id]", "refuse unless this is the paused rollout")
    .option("--detach", "only start it", false)
    .addHelpText("after", EXIT_CODES)
    .action((rolloutId, { detach, ...connection }) =>
      run(surroundings, connection, async (session) => {
        const { resume } = await import("./commands/resume.ts");
        return resume(session, { rolloutId, detach });
      }),
    );
}

function cancelCommand(surroundings: CliSurroundings) {
  return operatorCommand("cancel", "end a rollout now: no further deploy starts, those in flight run to their end")
    .argument("[rollout-id]", "refuse unless this is the rollout that is going on")
    .action((rolloutId, connection) =>
      run(surroundings, connection, async (session) => {
        const { cancel } = await import("./commands/cancel.ts");
        return cancel(session, { rolloutId });
      }),
    );
}

function rollbackCommand(surroundings: CliSurroundings) {
  return operatorCommand("rollback", "put every sentinel that took the image back on its previous one")
    .argument("[rollout-id]", "refuse unless this is the latest rollout")
    .addHelpText(
      "after",
      "\nFor a paused or cancelled rollout. An error (1) if one did not go back; again tries those.",
    )
    .action((rolloutId, connection) =>
      run(surroundings, connection, async (session) => {
        const { rollback } = await import("./commands/rollback.ts");
        return rollback(session, { rolloutId });
      }),
    );
}

function statusCommand(surroundings: CliSurroundings) {
  return operatorCommand("status", "show how a rollout stands")
    .argument("[rollout-id]", "the latest one, unless given")
    .option("--failed", "list every sentinel that failed, with its reason", false)
    .addHelpText("after", examples("hydra status", "hydra status --json | jq .state", "hydra status --failed"))
    .action((rolloutId, { failed, ...connection }) =>
      run(surroundings, connection, async (session) => {
        const { status } = await import("./commands/status.ts");
        return status(session, { rolloutId, failed });
      }),
    );
}

function watchCommand(surroundings: CliSurroundings) {
  return operatorCommand("watch", "draw a rollout until it has ended")
    .argument("[rollout-id]", "the latest one, unless given; where there never was one, the first that starts")
    .option("--after <sequence>", "begin with what happened after this event; 0 is the beginning", parseSequence)
    .addOption(
      new Option("--until <what>", "what ends it").choices(["ended", "paused"] as const).default("ended" as const),
    )
    .option("--all", "go on with every later rollout", false)
    .addHelpText("after", EXIT_CODES)
    .addHelpText("after", examples("hydra watch", "hydra watch --until paused", "hydra watch --after 0 --json"))
    .action((rolloutId, { after, until, all, ...connection }) =>
      run(surroundings, connection, async (session) => {
        const { watch } = await import("./commands/watch.ts");
        return watch(session, { rolloutId, after, until, all });
      }),
    );
}

/** A command with the options that all of them share. */
function operatorCommand(name: string, summary: string) {
  return new Program(name)
    .description(summary)
    .option("--url <url>", "server (HYDRA_URL; http://127.0.0.1:8080 unless set)", parseUrl)
    .option("--token <token>", "bearer token (HYDRA_TOKEN)")
    .option("--json", "one JSON object a line", false);
}

interface ConnectionOptions {
  url?: string | undefined;
  token?: string | undefined;
  json: boolean;
}

/** Runs a command against the server and tells what went wrong, with the exit code for it. */
async function run(
  surroundings: CliSurroundings,
  { url = surroundings.url, token = surroundings.token, json }: ConnectionOptions,
  command: (session: Session) => Promise<ExitCode>,
): Promise<void> {
  const [{ createSession }, { explainFailure }] = await Promise.all([import("./session.ts"), import("./failure.ts")]);
  try {
    surroundings.onExit(await command(createSession({ url, token, json }, surroundings)));
  } catch (error) {
    if (surroundings.interrupted.aborted) return surroundings.onExit(ExitCode.INTERRUPTED);
    const { message, exitCode } = explainFailure(error, url);
    surroundings.terminal.complain(message);
    surroundings.onExit(exitCode);
  }
}

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}`;
}

function parsePercentages(text: string): number[] {
  const parts = text.split(",").map((part) => part.trim());
  if (!parts.every((part) => /^\d{1,3}$/.test(part))) {
    throw new InvalidArgumentError(
      "Give whole percentages with commas between, the last one 100, for example 10,50,100.",
    );
  }
  return parts.map(Number);
}

function parseSequence(text: string): bigint {
  if (!/^\d{1,18}$/.test(text)) throw new InvalidArgumentError("Give the number of an event; 0 is the beginning.");
  return BigInt(text);
}

function parseUrl(text: string): string {
  const url = URL.parse(text);
  if (!url || !["http:", "https:"].includes(url.protocol)) {
    throw new InvalidArgumentError("Give a URL that starts with http:// or https://.");
  }
  return text.replace(/\/+$/, "");
}
