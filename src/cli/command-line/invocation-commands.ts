import { Command, Option } from "@commander-js/extra-typings";
import { examples } from "./help-text.ts";
import { invocationVerbs } from "./invocation-verbs.ts";
import { parseCount, parseMoment } from "./parsers.ts";
import { run, serverCommand } from "./server-command.ts";
import type { CliSurroundings } from "./surroundings.ts";

/** As the status of an invocation is written on the command line. */
const INVOCATION_STATUSES = ["scheduled", "queued", "ready", "running", "parked", "succeeded", "failed"] as const;

export function invocationsCommand(surroundings: CliSurroundings) {
  const group = new Command("invocations")
    .description("list, show and operate what runs on the durable engine")
    .addCommand(listCommand(surroundings))
    .addCommand(getCommand(surroundings));
  for (const verb of invocationVerbs(surroundings)) group.addCommand(verb);
  return group.addCommand(servicesCommand(surroundings)).addCommand(stateCommand(surroundings));
}

function listCommand(surroundings: CliSurroundings) {
  return serverCommand("list", "list invocations, the newest first")
    .option("--service <name>", "only those of this service, for example hydra.v1.SentinelService")
    .option("--key <key>", "only those of this key")
    .option("--handler <name>", "only those of this handler")
    .addOption(new Option("--status <status...>", "only those that stand so").choices(INVOCATION_STATUSES).default([]))
    .option("--parent <id>", "only what this invocation has called")
    .option("--from <time>", "only those created since then: 30m, 12h or 2d ago, or a date and time", parseMoment)
    .option("--before <time>", "only those created before then", parseMoment)
    .option("--limit <count>", "how many at most; all, unless given", parseCount)
    .addHelpText("after", "\nPiped: one invocation a line, its values with tabs between, in the columns of the table.")
    .addHelpText(
      "after",
      examples(
        "hydra invocations list --limit 20",
        "hydra invocations list --status parked",
        "hydra invocations list --handler Deploy --key snt_000042 --json",
        "hydra invocations list --status failed --from 2h",
        "hydra invocations list --parent inv_1…",
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

function servicesCommand(surroundings: CliSurroundings) {
  return serverCommand("services", "list what the engine can run, with the messages it takes")
    .addHelpText("after", "\nPiped: one handler a line, its values with tabs between. --json: one service a line.")
    .addHelpText("after", examples("hydra invocations services"))
    .action((connection) =>
      run(surroundings, connection, async (session) => {
        const { invocationsServices } = await import("../commands/invocations-services.ts");
        return invocationsServices(session);
      }),
    );
}

function stateCommand(surroundings: CliSurroundings) {
  return serverCommand("state", "show what the handlers of a key have kept")
    .argument("<service>", "for example hydra.v1.SentinelRolloutService")
    .argument("<key>", "for example singleton")
    .addHelpText("after", examples("hydra invocations state hydra.v1.SentinelRolloutService singleton"))
    .action((service, key, connection) =>
      run(surroundings, connection, async (session) => {
        const { invocationsState } = await import("../commands/invocations-state.ts");
        return invocationsState(session, service, key);
      }),
    );
}
