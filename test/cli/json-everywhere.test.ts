import { expect, test } from "vitest";
import { visibleCommands } from "../../scripts/docs/command-page.ts";
import { documentedProgram } from "../../scripts/docs/documented-program.ts";

/** What runs a server or an agent, or has one line to say. */
const WITHOUT = ["demo", "dev", "serve", "agent", "db url", "completion"];

test("every command that asks a server: takes --json", () => {
  const commands = visibleCommands(documentedProgram()).filter(({ command }) => command.commands.length === 0);
  const without = commands.filter(({ command }) => !command.options.some(({ long }) => long === "--json"));
  expect(without.map(({ command }) => nameOf(command)).toSorted()).toEqual(WITHOUT.toSorted());
  expect(commands.length).toBeGreaterThan(2 * WITHOUT.length);
});

/** Without that of the program. */
function nameOf(command: ReturnType<typeof visibleCommands>[number]["command"]): string {
  const { parent } = command;
  return parent?.parent ? `${nameOf(parent)} ${command.name()}` : command.name();
}
