import type { Config } from "../config/index.ts";

const IMAGE = "ghcr.io/acme/sentinel:v1.2.3";

/** What `hydra dev` prints once it is ready: where it is, and what to paste next. */
export function devHints(url: string, { config, fleetSize }: { config: Config; fleetSize: number }): string[] {
  const database = config.databaseUrl === undefined ? `Postgres in ${config.dataDir}` : "the Postgres of DATABASE_URL";
  const rollouts = `${url}/hydra.v1.SentinelRolloutService`;
  return [
    `listening on ${url}`,
    "",
    `A simulated fleet of ${fleetSize.toLocaleString("en-US")} sentinels is up, on ${database}.`,
    "From another terminal, roll an image out and watch it, or watch all that start:",
    "",
    `  npx hydra rollout ${IMAGE}${urlOption(url)}`,
    `  npx hydra watch --all${urlOption(url)}`,
    "",
    "The same with curl, and go on from where it is (each answers when it has ended; with /send after it, at once):",
    "",
    ...curl(`${rollouts}/singleton/Rollout/send`, `{"image": "${IMAGE}"}`),
    ...curl(`${rollouts}/singleton/Resume`, "{}"),
    ...curl(`${rollouts}/singleton/Cancel`, "{}"),
    ...curl(`${rollouts}/singleton/RollbackAll`, "{}"),
    "",
    `Dashboard: ${url}/`,
    "Ctrl-C stops it; what has happened is kept.",
  ];
}

/** What a command needs to find the server; nothing where it looks there by itself. */
function urlOption(url: string): string {
  return url === "http://127.0.0.1:8080" ? "" : ` --url ${url}`;
}

/** Ready to paste into a shell; a token is accepted and ignored where there are none. */
function curl(url: string, body: string): string[] {
  return [
    `  curl -X POST ${url} \\`,
    `    -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d '${body}'`,
  ];
}
