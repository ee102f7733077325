import type { Argument, Command, Option } from "@commander-js/extra-typings";
import tab, { type Command as Completable, RootCommand } from "@bomb.sh/tab";
import { BASH_COMPLETION } from "./bash-completion.ts";

/** Prints what a shell has to read to know hydra's commands. */
export function printCompletionScript(shell: "bash" | "zsh" | "fish", print: (text: string) => void): void {
  // The library's script for bash runs what is being typed, `$(…)` too, and needs a package that not everybody has.
  if (shell === "bash") print(BASH_COMPLETION);
  else tab.setup("hydra", "hydra", shell);
}

/**
 * Answers such a script: what can stand in the place of the last word, one a
 * line with a tab and a description, then `:4`; or `:0`, which asks the shell
 * for names of files.
 */
export function printCompletions(program: Command, words: string[], print: (text: string) => void): void {
  if (wantsFile(program, words)) return print(":0");
  const root = new RootCommand();
  describe(program, root, (path, description) => root.command(path, description));
  root.parse(words);
}

/** Tells the library what a command and all below it take. */
function describe(
  command: Command,
  target: Completable,
  add: (path: string, description: string) => Completable,
  path = "",
): void {
  const help = command.createHelp();
  for (const option of help.visibleOptions(command)) describeOption(option, target);
  for (const argument of command.registeredArguments) {
    target.argument(argument.name(), offer(argument), argument.variadic);
  }
  for (const child of help.visibleCommands(command)) {
    const childPath = `${path} ${child.name()}`.trim();
    describe(child as Command, add(childPath, child.description()), add, childPath);
  }
}

function describeOption(option: Option, target: Completable): void {
  const name = option.long?.slice(2);
  if (name === undefined) return;
  if (takesValue(option)) target.option(name, option.description, offer(option));
  else target.option(name, option.description);
}

/** The choices that there are. All have one description: shells that show them show it once. */
function offer({ argChoices = [], description }: Option | Argument) {
  return (complete: (value: string, description: string) => void): void => {
    for (const choice of argChoices) complete(choice, description);
  };
}

/** Whether the last word is the place of a file or a directory. */
function wantsFile(program: Command, words: readonly string[]): boolean {
  const current = words.at(-1) ?? "";
  const typed = words.slice(0, -1);
  const { command, rest } = commandAt(program, typed);
  const before = command.options.find((option) => option.long === typed.at(-1));
  if (before && takesValue(before)) return isPath(before.flags);
  return !current.startsWith("-") && rest.length === 0 && isPath(nameOf(command.registeredArguments[0]));
}

/** The command that words lead to, and those after its name that are no options. */
function commandAt(program: Command, words: readonly string[]): { command: Command; rest: readonly string[] } {
  let command = program;
  const rest: string[] = [];
  for (const word of words) {
    const child = rest.length === 0 ? command.commands.find((each) => each.name() === word) : undefined;
    if (child) command = child as Command;
    else if (!word.startsWith("-")) rest.push(word);
  }
  return { command, rest };
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

function isPath(name: string): boolean {
  return /\b(file|directory)\b/.test(name);
}

function nameOf(argument: Argument | undefined): string {
  return argument?.name() ?? "";
}
