import type { InvocationAct } from "../commands/invocations-act.ts";
import { examples } from "./help-text.ts";
import { parseEntry } from "./parsers.ts";
import { run, serverCommand } from "./server-command.ts";
import type { CliSurroundings } from "./surroundings.ts";

// What is done to one invocation.

const REPEATABLE = "\nDoes nothing to one that has ended. Safe to repeat.";
const REFUSED = "\nRefused where it has ended. Safe to repeat.";

export function invocationVerbs(surroundings: CliSurroundings) {
  return [
    endCommand(surroundings, "cancel", "ask an invocation to end; its handler may still put things right"),
    endCommand(surroundings, "kill", "end an invocation at once, without its handler, and free its key"),
    actCommand(surroundings, "pause", "stop an invocation until it is resumed; a step in flight is done again then"),
    actCommand(surroundings, "resume", "let an invocation that is paused or parked go on"),
    actCommand(surroundings, "retry", "as resume; one that waits for its next try waits no longer"),
    restartCommand(surroundings),
    purgeCommand(surroundings),
  ] as const;
}

function command(name: string, summary: string) {
  return serverCommand(name, summary).argument("<id>", "the invocation's id");
}

function act(surroundings: CliSurroundings, name: InvocationAct) {
  return (invocationId: string, options: Parameters<typeof run>[1] & { withChildren?: boolean }) =>
    run(surroundings, options, async (session) => {
      const { actOnInvocation } = await import("../commands/invocations-act.ts");
      return actOnInvocation(session, { act: name, invocationId, withChildren: options.withChildren ?? false });
    });
}

function endCommand(surroundings: CliSurroundings, name: "cancel" | "kill", summary: string) {
  return command(name, summary)
    .option("--with-children", "also what it has called and waits for, the deepest first", false)
    .addHelpText("after", REPEATABLE)
    .addHelpText(
      "after",
      examples(`hydra invocations ${name} inv_1…`, `hydra invocations ${name} inv_1… --with-children`),
    )
    .action(act(surroundings, name));
}

function actCommand(surroundings: CliSurroundings, name: "pause" | "resume" | "retry", summary: string) {
  return command(name, summary)
    .addHelpText("after", REFUSED)
    .addHelpText("after", examples(`hydra invocations ${name} inv_1…`))
    .action(act(surroundings, name));
}

function restartCommand(surroundings: CliSurroundings) {
  return command("restart", "run an invocation that has ended again, as a new one with the same input")
    .option(
      "--from <entry>",
      "keep the journal before this entry; one that is parked goes on itself from there",
      parseEntry,
    )
    .option("--purge", "delete the old one then", false)
    .addHelpText("after", "\nWhat the entries did that are done anew is not undone. See them: hydra invocations get")
    .addHelpText("after", examples("hydra invocations restart inv_1…", "hydra invocations restart inv_1… --from 3"))
    .action((invocationId, { from = 0, purge, ...connection }) =>
      run(surroundings, connection, async (session) => {
        const { invocationsRestart } = await import("../commands/invocations-restart.ts");
        return invocationsRestart(session, { invocationId, fromEntry: from, purge });
      }),
    );
}

function purgeCommand(surroundings: CliSurroundings) {
  return command("purge", "delete an invocation that has ended, with its journal")
    .addHelpText("after", "\nRefused where it has not ended, or an open one called it and may need its outcome.")
    .addHelpText("after", examples("hydra invocations purge inv_1…"))
    .action((invocationId, connection) =>
      run(surroundings, connection, async (session) => {
        const { invocationsPurge } = await import("../commands/invocations-purge.ts");
        return invocationsPurge(session, invocationId);
      }),
    );
}
