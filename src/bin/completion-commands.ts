import { Argument, Command } from "@commander-js/extra-typings";
import { examples } from "../cli/index.ts";
import type { Surroundings } from "./surroundings.ts";

/** Adds `hydra completion`, which prints a script for a shell, and the hidden command that such a script asks. */
export function addCompletionCommands(program: Command, { terminal }: Surroundings): void {
  const completion = new Command("completion")
    .description("print a script that teaches a shell to complete hydra's commands")
    .addArgument(new Argument("<shell>", "which shell").choices(["bash", "zsh", "fish"] as const))
    .addHelpText(
      "after",
      examples(
        'eval "$(hydra completion bash)"      in ~/.bashrc',
        'eval "$(hydra completion zsh)"       in ~/.zshrc, after compinit',
        "hydra completion fish | source       in ~/.config/fish/config.fish",
      ),
    )
    .action(async (shell) => {
      const { printCompletionScript } = await import("./completion.ts");
      printCompletionScript(shell, terminal.print);
    });
  const complete = new Command("complete").argument("[words...]").action(async (words) => {
    const { printCompletions } = await import("./completion.ts");
    printCompletions(program, words, terminal.print);
  });
  program.addCommand(completion).addCommand(complete, { hidden: true });
}
