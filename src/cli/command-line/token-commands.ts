import { Command, Option } from "@commander-js/extra-typings";
import { examples } from "./help-text.ts";
import { parseLifetime } from "./parsers.ts";
import { run, serverCommand } from "./server-command.ts";
import type { CliSurroundings } from "./surroundings.ts";

/** As a role is written on the command line. */
const ROLES = ["viewer", "operator", "agent", "admin"] as const;

export function tokensCommand(surroundings: CliSurroundings) {
  return new Command("tokens")
    .description("make, list and revoke the tokens of callers")
    .addCommand(createCommand(surroundings))
    .addCommand(listCommand(surroundings))
    .addCommand(revokeCommand(surroundings));
}

function createCommand(surroundings: CliSurroundings) {
  return serverCommand("create", "make a token and print it: it is shown this once")
    .argument("<name>", "what logs call whoever uses it")
    .addOption(new Option("--role <role>", "what it allows").choices(ROLES).makeOptionMandatory())
    .option("--region <id>", "of an agent: the one region that it speaks for")
    .option("--expires-in <time>", "30m, 12h or 90d; without, it does not expire", parseLifetime)
    .addHelpText(
      "after",
      `
A viewer reads, an operator also rolls out, resumes, cancels and deploys, an agent speaks for its region and does
nothing else, an admin does everything. The first token must be an admin's: from then on every call takes one, also on
the server's own machine. The token alone is on standard output.`,
    )
    .addHelpText(
      "after",
      examples(
        "hydra tokens create alice --role admin > admin.token",
        "hydra tokens create ci --role operator --expires-in 90d",
        "hydra tokens create agent-eu-1 --role agent --region eu-1 > agent.token",
      ),
    )
    .action((name, { role, region, expiresIn, ...connection }) =>
      run(surroundings, connection, async (session) => {
        const { tokensCreate } = await import("../commands/tokens-create.ts");
        return tokensCreate(session, { name, role, region, expiresInS: expiresIn });
      }),
    );
}

function listCommand(surroundings: CliSurroundings) {
  return serverCommand("list", "list tokens, by name, without their secrets")
    .addHelpText("after", "\nPiped: one token a line, its values with tabs between, in the columns of the table.")
    .addHelpText("after", examples("hydra tokens list", "hydra tokens list --json | jq -r .name"))
    .action((connection) =>
      run(surroundings, connection, async (session) => {
        const { tokensList } = await import("../commands/tokens-list.ts");
        return tokensList(session);
      }),
    );
}

function revokeCommand(surroundings: CliSurroundings) {
  return serverCommand("revoke", "end a token: within two seconds every server refuses it and ends its streams")
    .argument("<name>", "the token's name")
    .addHelpText("after", examples("hydra tokens revoke ci"))
    .action((name, connection) =>
      run(surroundings, connection, async (session) => {
        const { tokensRevoke } = await import("../commands/tokens-revoke.ts");
        return tokensRevoke(session, name);
      }),
    );
}
