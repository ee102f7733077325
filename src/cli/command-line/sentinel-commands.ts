import { Command, Option } from "@commander-js/extra-typings";
import { examples } from "./help-text.ts";
import { importCommand } from "./import-command.ts";
import { parseCount } from "./parsers.ts";
import { run, serverCommand } from "./server-command.ts";
import type { CliSurroundings } from "./surroundings.ts";

/** As a deploy status is written on the command line. */
const DEPLOY_STATUSES = ["idle", "progressing", "ready", "failed"] as const;

export function sentinelsCommand(surroundings: CliSurroundings) {
  return new Command("sentinels")
    .description("list, show, deploy and import sentinels")
    .addCommand(listCommand(surroundings))
    .addCommand(getCommand(surroundings))
    .addCommand(deployCommand(surroundings))
    .addCommand(importCommand(surroundings));
}

function listCommand(surroundings: CliSurroundings) {
  return serverCommand("list", "list sentinels, by id")
    .option("--region <id>", "only those of this region")
    .addOption(
      new Option("--status <status...>", "only those whose last deploy stands so").choices(DEPLOY_STATUSES).default([]),
    )
    .option("--failed", "the same as --status failed", false)
    .option("--limit <count>", "how many at most; all, unless given", parseCount)
    .addHelpText("after", "\nPiped: one sentinel a line, its values with tabs between, in the columns of the table.")
    .addHelpText(
      "after",
      examples(
        "hydra sentinels list --failed",
        "hydra sentinels list --region eu-west-1 --status progressing failed",
        "hydra sentinels list --json | jq -r 'select(.image != .runningImage) | .id'",
      ),
    )
    .action(({ region, status, failed, limit, ...connection }) =>
      run(surroundings, connection, async (session) => {
        const { sentinelsList } = await import("../commands/sentinels-list.ts");
        return sentinelsList(session, { region, statuses: failed ? [...status, "failed"] : status, limit });
      }),
    );
}

function getCommand(surroundings: CliSurroundings) {
  return serverCommand("get", "show one sentinel, desired and observed")
    .argument("<id>", "the sentinel's id")
    .addHelpText("after", examples("hydra sentinels get snt_000042", "hydra sentinels get snt_000042 --json | jq ."))
    .action((sentinelId, connection) =>
      run(surroundings, connection, async (session) => {
        const { sentinelsGet } = await import("../commands/sentinels-get.ts");
        return sentinelsGet(session, sentinelId);
      }),
    );
}

function deployCommand(surroundings: CliSurroundings) {
  return serverCommand("deploy", "change what one sentinel runs, and wait until it has converged or failed")
    .argument("<id>", "the sentinel's id")
    .option("--image <image>", "image reference")
    .option("--replicas <count>", "how many replicas", parseCount)
    .option("--cpu <millicores>", "CPU request and limit", parseCount)
    .option("--memory <mib>", "memory request and limit", parseCount)
    .addHelpText("after", "\nWhat is left out stays as it is; nothing given: one that failed is tried again.")
    .addHelpText("after", "\nExit codes: 0 ready, 1 failed, error or refused, 5 no server or connection lost.")
    .addHelpText(
      "after",
      examples(
        "hydra sentinels deploy snt_000042 --image ghcr.io/acme/sentinel:v1.2.3",
        "hydra sentinels deploy snt_000042 --replicas 3 --cpu 500 --memory 256",
      ),
    )
    .action((sentinelId, { image, replicas, cpu, memory, ...connection }) =>
      run(surroundings, connection, async (session) => {
        const { sentinelsDeploy } = await import("../commands/sentinels-deploy.ts");
        return sentinelsDeploy(session, { sentinelId, image, replicas, cpu, memory });
      }),
    );
}
