import { Command, Help, type Option } from "@commander-js/extra-typings";
import { addOperatorCommands, CommandGroup } from "../cli/index.ts";
import { agentCommand } from "./agent-command.ts";
import { clusterDoor } from "./cluster-door.ts";
import { addCompletionCommands } from "./completion-commands.ts";
import { dbCommand } from "./database-commands.ts";
import { demoCommand, devCommand, serveCommand } from "./server-commands.ts";
import type { Surroundings } from "./surroundings.ts";

const EXAMPLES = `
Examples:
  $ hydra demo                                      one whole rollout, drawn, in under a minute
  $ hydra dev                                       a server with a simulated fleet, to try things on
  $ hydra rollout ghcr.io/acme/sentinel:v1.2.3      in another terminal

Settings come from the environment (HYDRA_URL, HYDRA_TOKEN, DATABASE_URL, …); see docs/configuration.md.`;

/** The command line. Wrong usage throws a CommanderError after it has been told. */
export function createProgram(surroundings: Surroundings): Command {
  const { config, version, terminal, interrupted, onExit } = surroundings;
  const program = new Command("hydra")
    .description("Rolls a container image out over a fleet of sentinels in waves, durably.")
    .version(version)
    .commandsGroup(CommandGroup.OTHER)
    .helpCommand("help [command]", "tell more of a command")
    .addHelpText("after", EXAMPLES);
  const { url, token, tokenFile, caFile } = config;
  const cluster = clusterDoor(config, terminal);
  addOperatorCommands(program, { terminal, url, token, tokenFile, caFile, cluster, interrupted, onExit });
  for (const command of [demoCommand, devCommand, serveCommand, agentCommand]) {
    program.addCommand(command(surroundings).helpGroup(CommandGroup.RUN));
  }
  program.addCommand(dbCommand(surroundings));
  addCompletionCommands(program, surroundings);
  applyToAll(program, (command) => {
    command.exitOverride().showHelpAfterError("(see --help)");
    command.configureHelp({ helpWidth: terminal.size().columns, optionDescription: describeOption });
  });
  return program;
}

/** As commander does it, but a flag that is off unless given needs no word on that. */
function describeOption(option: Option): string {
  return option.defaultValue === false ? option.description : new Help().optionDescription(option);
}

function applyToAll(command: Command, apply: (command: Command) => void): void {
  apply(command);
  for (const child of command.commands) applyToAll(child as Command, apply);
}
