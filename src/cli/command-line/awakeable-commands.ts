import { Command } from "@commander-js/extra-typings";
import { examples } from "./help-text.ts";
import { parseJson } from "./parsers.ts";
import { run, serverCommand } from "./server-command.ts";
import type { CliSurroundings } from "./surroundings.ts";

const FIRST_COUNTS = "\nThe first completion counts: a repeat, or one that comes too late, changes nothing.";

export function awakeablesCommand(surroundings: CliSurroundings) {
  return new Command("awakeables")
    .description("complete what a handler waits for from outside")
    .addCommand(resolveCommand(surroundings))
    .addCommand(rejectCommand(surroundings));
}

function resolveCommand(surroundings: CliSurroundings) {
  return serverCommand("resolve", "complete an awakeable with a value")
    .argument("<id>", "the awakeable's id, as its handler gave it away")
    .argument("[value]", "the value, as JSON; null unless given", parseJson, "null")
    .addHelpText("after", FIRST_COUNTS)
    .addHelpText(
      "after",
      examples("hydra awakeables resolve sign_1…", `hydra awakeables resolve sign_1… '{"ok": true}'`),
    )
    .action((id, value, connection) =>
      run(surroundings, connection, async (session) => {
        const { completeAwakeable } = await import("../commands/awakeables-complete.ts");
        return completeAwakeable(session, id, { value });
      }),
    );
}

function rejectCommand(surroundings: CliSurroundings) {
  return serverCommand("reject", "complete an awakeable with a failure")
    .argument("<id>", "the awakeable's id, as its handler gave it away")
    .argument("[reason]", "what the handler is told", "rejected by an operator")
    .addHelpText("after", FIRST_COUNTS)
    .addHelpText("after", examples(`hydra awakeables reject sign_1… "out of stock"`))
    .action((id, reason, connection) =>
      run(surroundings, connection, async (session) => {
        const { completeAwakeable } = await import("../commands/awakeables-complete.ts");
        return completeAwakeable(session, id, { reason });
      }),
    );
}
