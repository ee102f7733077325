import { OUTCOME_EXIT_CODES, examples } from "./help-text.ts";
import { parsePercentages } from "./parsers.ts";
import { run, serverCommand } from "./server-command.ts";
import type { CliSurroundings } from "./surroundings.ts";

export function rolloutCommand(surroundings: CliSurroundings) {
  return serverCommand("rollout", "roll an image out over all running sentinels, and draw it until it has ended")
    .argument("<image>", "image reference, for example ghcr.io/acme/sentinel:v1.2.3")
    .option(
      "--waves <percentages>",
      "where each wave ends, in percent (server's default: 1,5,25,50,100)",
      parsePercentages,
    )
    .option("--slack-webhook-url <url>", "Slack webhook for this rollout")
    .option("--detach", "only start it", false)
    .addHelpText("after", OUTCOME_EXIT_CODES)
    .addHelpText(
      "after",
      examples(
        "hydra rollout ghcr.io/acme/sentinel:v1.2.3",
        "hydra rollout ghcr.io/acme/sentinel:v1.2.3 --waves 10,50,100 --detach",
      ),
    )
    .action((image, { waves, slackWebhookUrl, detach, ...connection }) =>
      run(surroundings, connection, async (session) => {
        const { rollout } = await import("../commands/rollout.ts");
        return rollout(session, { image, waves, slackWebhookUrl, detach });
      }),
    );
}

export function resumeCommand(surroundings: CliSurroundings) {
  return serverCommand("resume", "go on with the next wave of a paused rollout, and draw it until it has ended")
    .argument("[rollout-id]", "refuse unless this is the paused rollout")
    .option("--detach", "only start it", false)
    .addHelpText("after", OUTCOME_EXIT_CODES)
    .addHelpText("after", examples("hydra resume", "hydra resume --detach"))
    .action((rolloutId, { detach, ...connection }) =>
      run(surroundings, connection, async (session) => {
        const { resume } = await import("../commands/resume.ts");
        return resume(session, { rolloutId, detach });
      }),
    );
}

export function cancelCommand(surroundings: CliSurroundings) {
  return serverCommand("cancel", "end a rollout now: no further deploy starts, those in flight run to their end")
    .argument("[rollout-id]", "refuse unless this is the rollout that is going on")
    .addHelpText("after", "\nExit codes: 0 cancelled, 1 error or refused, 5 no server or connection lost.")
    .addHelpText("after", examples("hydra cancel", "hydra cancel && hydra rollback"))
    .action((rolloutId, connection) =>
      run(surroundings, connection, async (session) => {
        const { cancel } = await import("../commands/cancel.ts");
        return cancel(session, { rolloutId });
      }),
    );
}

export function rollbackCommand(surroundings: CliSurroundings) {
  return serverCommand("rollback", "put every sentinel that took the image back on its previous one")
    .argument("[rollout-id]", "refuse unless this is the latest rollout")
    .addHelpText("after", "\nFor a paused or cancelled rollout. Again: tries those that did not go back.")
    .addHelpText(
      "after",
      "\nExit codes: 0 all went back, 1 error, refused, or one did not go back, 5 no server or connection lost.",
    )
    .addHelpText("after", examples("hydra rollback"))
    .action((rolloutId, connection) =>
      run(surroundings, connection, async (session) => {
        const { rollback } = await import("../commands/rollback.ts");
        return rollback(session, { rolloutId });
      }),
    );
}
