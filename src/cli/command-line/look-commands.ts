import { Option } from "@commander-js/extra-typings";
import { OUTCOME_EXIT_CODES, examples } from "./help-text.ts";
import { parseCount, parseSequence } from "./parsers.ts";
import { run, serverCommand } from "./server-command.ts";
import type { CliSurroundings } from "./surroundings.ts";

const HISTORY_LIMIT = 20;

export function statusCommand(surroundings: CliSurroundings) {
  return serverCommand("status", "show how a rollout stands")
    .argument("[rollout-id]", "the latest one, unless given")
    .option("--failed", "list every sentinel that failed, with its reason", false)
    .addHelpText("after", examples("hydra status", "hydra status --json | jq .state", "hydra status --failed"))
    .action((rolloutId, { failed, ...connection }) =>
      run(surroundings, connection, async (session) => {
        const { status } = await import("../commands/status.ts");
        return status(session, { rolloutId, failed });
      }),
    );
}

export function watchCommand(surroundings: CliSurroundings) {
  return serverCommand("watch", "draw a rollout until it has ended")
    .argument("[rollout-id]", "the latest one, unless given; where there never was one, the first that starts")
    .option("--after <sequence>", "begin with what happened after this event; 0 is the beginning", parseSequence)
    .option(
      "--epoch <epoch>",
      "with --after: what that event was told with; a database that was put back since is told of",
    )
    .addOption(
      new Option("--until <what>", "what ends it").choices(["ended", "paused"] as const).default("ended" as const),
    )
    .option("--all", "go on with every later rollout", false)
    .addHelpText("after", OUTCOME_EXIT_CODES)
    .addHelpText("after", examples("hydra watch", "hydra watch --until paused", "hydra watch --after 0 --json"))
    .action((rolloutId, { after, epoch, until, all, ...connection }, self) => {
      if (epoch !== undefined && after === undefined)
        self.error("error: --epoch says what --after was told with: give both");
      return run(surroundings, connection, async (session) => {
        const { watch } = await import("../commands/watch.ts");
        return watch(session, { rolloutId, after, epoch, until, all });
      });
    });
}

export function clustersCommand(surroundings: CliSurroundings) {
  return serverCommand("clusters", "list the clusters by region, with their agents and how their sentinels stand")
    .option("--limit <count>", "how many at most; all, unless given", parseCount)
    .addHelpText(
      "after",
      `
A region is one cluster. AGENTS are those connected; LAG is how many changes the one furthest behind has not been told
of, and empty while it is told everything; DRIFTED are sentinels of which somebody changed in the cluster what hydra
applied. Piped: one region a line, its values with tabs between, in the columns of the table.`,
    )
    .addHelpText(
      "after",
      examples("hydra clusters", "hydra clusters --json | jq -r '.agents[]? | select(.connected) | .instance'"),
    )
    .action(({ limit, ...connection }) =>
      run(surroundings, connection, async (session) => {
        const { clusters } = await import("../commands/clusters.ts");
        return clusters(session, { limit });
      }),
    );
}

export function historyCommand(surroundings: CliSurroundings) {
  return serverCommand("history", "list rollouts, the newest first")
    .option("--limit <count>", "how many at most", parseCount, HISTORY_LIMIT)
    .addHelpText("after", examples("hydra history", "hydra history --limit 1000 --json | jq -r .image"))
    .action(({ limit, ...connection }) =>
      run(surroundings, connection, async (session) => {
        const { history } = await import("../commands/history.ts");
        return history(session, { limit });
      }),
    );
}
