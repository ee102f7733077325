import { Command } from "@commander-js/extra-typings";
import { addOperatorCommands } from "../cli/index.ts";
import { demoCommand, devCommand, serveCommand } from "./server-commands.ts";
import type { Surroundings } from "./surroundings.ts";

const EXAMPLES = `
Examples:
  $ hydra demo                                      one whole rollout, drawn, in half a minute
  $ hydra dev                                       a server with a simulated fleet, to try things on
  $ hydra rollout ghcr.io/acme/sentinel:v1.2.3      in another terminal

Settings come from the environment (HYDRA_URL, HYDRA_TOKEN, DATABASE_URL, …); see the README.`;

/** The command line. Wrong usage throws a CommanderError after it has been told. */
export function createProgram(surroundings: Surroundings): Command {
  const { config, version, terminal, interrupted, onExit } = surroundings;
  const program = new Command("hydra")
    .description("Rolls a container image out over a fleet of sentinels in waves, durably.")
    .version(version)
    .addHelpText("after", EXAMPLES);
  for (const command of [demoCommand, devCommand, serveCommand]) program.addCommand(command(surroundings));
  addOperatorCommands(program, { terminal, url: config.url, token: config.token, interrupted, onExit });
  for (const command of [program, ...program.commands]) {
    command.exitOverride().showHelpAfterError("(see --help)").configureHelp({ helpWidth: terminal.size().columns });
  }
  return program;
}
