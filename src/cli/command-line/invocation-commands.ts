import { Command, Option } from "@commander-js/extra-typings";
import { examples } from "./help-text.ts";
import { parseCount } from "./parsers.ts";
import { run, serverCommand } from "./server-command.ts";
import type { CliSurroundings } from "./surroundings.ts";

/** As the status of an invocation is written on the command line. */
const INVOCATION_STATUSES = ["scheduled", "queued", "ready", "running", "parked", "succeeded", "failed"] as const;

export function invocationsCommand(surroundings: CliSurroundings) {
  return new Command("invocations")
    .description("list, show and end what runs on the durable engine")
    .addCommand(listCommand(surroundings))
    .addCommand(getCommand(surroundings))
    .addCommand(endCommand(surroundings, "cancel", "ask an invocation to end; its handler may still put things right"))
    .addCommand(endCommand(surroundings, "kill", "end an invocation at once, without its handler, and free its key"));
}

function listCommand(surroundings: CliSurroundings) {
  return serverCommand("list", "list invocations, the newest first")
    .option("--service <name>", "only those of this service, for example hydra.v1.SentinelService")
    .option("--key <key>", "only those of this key")
    .option("--handler <name>", "only those of this handler")
    .addOption(new Option("--status <status...>", "only those that stand so").choices(INVOCATION_STATUSES).default([]))
    .option("--limit <count>", "how many at most; all, unless given", parseCount)
    .addHelpText("after", "\nPiped: one invocation a line, its values with tabs between, in the columns of the table.")
    .addHelpText(
      "after",
      examples(
        "hydra invocations list --limit 20",
        "hydra invocations list --status parked",
        "hydra invocations list --handler Deploy --key snt_000042 --json",
      ),
    )
    .action(({ status, ...options }) => {
      const { url, token, json, ...filters } = options;
      return run(surroundings, { url, token, json }, async (session) => {
        const { invocationsList } = await import("../commands/invocations-list.ts");
        return invocationsList(session, { ...filters, statuses: status });
      });
    });
}

function getCommand(surroundings: CliSurroundings) {
  return serverCommand("get", "show one invocation with its journal")
    .argument("<id>", "the invocation's id")
    .addHelpText(
      "after",
      examples("hydra invocations get inv_1…", "hydra invocations get inv_1… --json | jq '.journal[]'"),
    )
    .action((invocationId, connection) =>
      run(surroundings, connection, async (session) => {
        const { invocationsGet } = await import("../commands/invocations-get.ts");
        return invocationsGet(session, invocationId);
      }),
    );
}

function endCommand(surroundings: CliSurroundings, verb: "cancel" | "kill", summary: string) {
  return serverCommand(verb, summary)
    .argument("<id>", "the invocation's id")
    .addHelpText("after", "\nDoes nothing to one that has ended. Safe to repeat.")
    .addHelpText("after", examples(`hydra invocations ${verb} inv_1…`))
    .action((invocationId, connection) =>
      run(surroundings, connection, async (session) => {
        const { endInvocation } = await import("../commands/invocations-end.ts");
        return endInvocation(session, { verb, invocationId });
      }),
    );
}
