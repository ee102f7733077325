// Commands that speak to a server. Each one's code is loaded when it runs: `hydra --help` waits for none of it.

import type { Command } from "@commander-js/extra-typings";
import { CommandGroup } from "./command-line/help-text.ts";
import { awakeablesCommand } from "./command-line/awakeable-commands.ts";
import { invocationsCommand } from "./command-line/invocation-commands.ts";
import { clustersCommand, historyCommand, statusCommand, watchCommand } from "./command-line/look-commands.ts";
import { cancelCommand, resumeCommand, rollbackCommand, rolloutCommand } from "./command-line/operate-commands.ts";
import { sentinelsCommand } from "./command-line/sentinel-commands.ts";
import { tokensCommand } from "./command-line/token-commands.ts";
import type { CliSurroundings } from "./command-line/surroundings.ts";

/** Adds every command that speaks to a server. */
export function addOperatorCommands(program: Command, surroundings: CliSurroundings): void {
  const operate = [rolloutCommand, resumeCommand, cancelCommand, rollbackCommand];
  for (const command of operate) program.addCommand(command(surroundings).helpGroup(CommandGroup.OPERATE));
  const look = [statusCommand, watchCommand, historyCommand, sentinelsCommand, clustersCommand, invocationsCommand];
  for (const command of look) program.addCommand(command(surroundings).helpGroup(CommandGroup.LOOK));
  program.addCommand(awakeablesCommand(surroundings).helpGroup(CommandGroup.LOOK));
  program.addCommand(tokensCommand(surroundings).helpGroup(CommandGroup.ADMIT));
}
