import type { CommandUnknownOpts } from "@commander-js/extra-typings";

const HEAD = `# Commands

<!-- Made from the program's own help by scripts/generate-docs.ts: edit that. -->

What \`hydra COMMAND --help\` says, of every command. Exit codes and what to do when: [operations](operations.md).
Variables in brackets, and all others: [configuration](configuration.md).
`;

/** A command with the words that call it: `sentinels import`, and empty for the program itself. */
export interface NamedCommand {
  readonly words: string;
  readonly command: CommandUnknownOpts;
}

/** The program and everything below it that its help shows. */
export function visibleCommands(program: CommandUnknownOpts): NamedCommand[] {
  return below({ words: "", command: program });
}

function below(named: NamedCommand): NamedCommand[] {
  const { words, command } = named;
  const children = command.createHelp().visibleCommands(command);
  const descendants = children
    .filter((child) => child.name() !== "help")
    .flatMap((child) => below({ words: `${words} ${child.name()}`.trim(), command: child }));
  return [named, ...descendants];
}

/** The page of all commands, `docs/commands.md`. */
export function commandPage(program: CommandUnknownOpts): string {
  const sections = visibleCommands(program).map(({ words, command }) => {
    return `## ${`hydra ${words}`.trim()}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`;
  });
  return [HEAD, ...sections].join("\n");
}

/** As the terminal gets it, examples included. */
function helpOf(command: CommandUnknownOpts): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
    .trim();
}
