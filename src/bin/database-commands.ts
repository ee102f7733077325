import { Command } from "@commander-js/extra-typings";
import { examples } from "../cli/index.ts";
import type { Surroundings } from "./surroundings.ts";

export function dbCommand(surroundings: Surroundings) {
  return new Command("db").description("the database that a server here uses").addCommand(urlCommand(surroundings));
}

function urlCommand({ config, terminal }: Surroundings) {
  return new Command("url")
    .description("print its address, for psql: DATABASE_URL, or that of the embedded Postgres that runs now")
    .option("--data-dir <directory>", "where the embedded Postgres keeps its data (HYDRA_DATA_DIR)", config.dataDir)
    .addHelpText("after", examples('psql "$(hydra db url)"', 'pg_dump "$(hydra db url)" > hydra.sql'))
    .action(async ({ dataDir }) => {
      const { databaseUrl } = await import("./database-url.ts");
      terminal.print(await databaseUrl({ ...config, dataDir }));
    });
}
