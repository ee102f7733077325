import type { Config } from "../config.ts";

/** What `hydra dev` prints once it is ready: where it is, and what to paste next. */
export function devHints(url: string, { config, fleetSize }: { config: Config; fleetSize: number }): string[] {
  const database = config.databaseUrl === undefined ? `Postgres in ${config.dataDir}` : "the Postgres of DATABASE_URL";
  const rollouts = `${url}/hydra.v1.SentinelRolloutService`;
  return [
    `listening on ${url}`,
    "",
    `A simulated fleet of ${fleetSize.toLocaleString("en-US")} sentinels is up, on ${database}.`,
    "Watch it from another terminal:",
    "",
    `  ${watchCommand(url)}`,
    "",
    "Start a rollout, and go on from where it is (each answers when it has ended; with /send after it, at once):",
    "",
    ...curl(`${rollouts}/singleton/Rollout/send`, '{"image": "ghcr.io/acme/sentinel:v1.2.3"}'),
    ...curl(`${rollouts}/singleton/Resume`, "{}"),
    ...curl(`${rollouts}/singleton/Cancel`, "{}"),
    ...curl(`${rollouts}/singleton/RollbackAll`, "{}"),
    "",
    `Dashboard: ${url}/`,
    "Ctrl-C stops it; what has happened is kept.",
  ];
}

function watchCommand(url: string): string {
  return url === "http://127.0.0.1:8080" ? "npx hydra watch --all" : `npx hydra watch --all --url ${url}`;
}

/** Ready to paste into a shell; a token is accepted and ignored where none are configured. */
function curl(url: string, body: string): string[] {
  return [
    `  curl -X POST ${url} \\`,
    `    -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d '${body}'`,
  ];
}
