import path from "node:path";
import type { Config } from "../config/index.ts";
import { findEmbeddedPostgres } from "../postgres/index.ts";
import { UserError } from "./user-error.ts";

/**
 * Address of the database that a server with these settings uses.
 *
 * @throws UserError where that is the embedded one and it does not run.
 */
export async function databaseUrl({
  databaseUrl: given,
  dataDir,
}: Pick<Config, "databaseUrl" | "dataDir">): Promise<string> {
  const url = given ?? (await findEmbeddedPostgres(dataDir));
  if (url !== undefined) return url;
  throw new UserError(
    `no Postgres runs on ${path.resolve(dataDir)}: the embedded one runs while a hydra does. ` +
      "Start one there (hydra dev, hydra serve), or say where it is with --data-dir or HYDRA_DATA_DIR.",
  );
}
