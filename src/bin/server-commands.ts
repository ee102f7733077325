// Commands that run a server. Each one's code is loaded when it runs.

import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { parseDurationMs, parsePort, parsePositiveDurationMs } from "../config/index.ts";
import type { Surroundings } from "./surroundings.ts";

const DEV_SENTINELS = 100;
const DEV_DEPLOY_TIMEOUT = "10s";
const DEV_CONVERGE = "500ms-2s";

export function demoCommand(surroundings: Surroundings) {
  return new Command("demo")
    .description("one whole rollout over a simulated fleet: a failure, a killed server, a rollback; ends by itself")
    .action(async () => {
      const { demo } = await import("./demo.ts");
      surroundings.onExit(await demo(surroundings));
    });
}

export function devCommand(surroundings: Surroundings) {
  const { config, env, onExit, onServing } = surroundings;
  const deployTimeout = env["HYDRA_DEPLOY_TIMEOUT"]?.trim() || DEV_DEPLOY_TIMEOUT;
  return new Command("dev")
    .description("server, embedded Postgres and a simulated fleet in one; stays up")
    .option("--port <port>", "port to listen on; 0: any free one (HYDRA_PORT)", orUsage(parsePort), config.port)
    .option("--data-dir <directory>", "where Postgres keeps its data (HYDRA_DATA_DIR)", config.dataDir)
    .option("--sentinels <count>", "sentinels of the fleet: snt_000001 and so on", parseCount, DEV_SENTINELS)
    .addOption(convergeOption())
    .addOption(failOption())
    .addOption(deployTimeoutOption(deployTimeout))
    .option("--seed <number>", "the same number: the same times", parseCount, 1)
    .addOption(logFormatOption(surroundings.terminal.live ? "pretty" : "json"))
    .addHelpText(
      "after",
      "\nDATABASE_URL set: that database instead of the embedded one.\nExample:\n  $ hydra dev --sentinels 500 --converge 200ms-3s --fail snt_000042=image_pull",
    )
    .action(async ({ port, dataDir, sentinels, converge, fail, deployTimeout: deployTimeoutMs, seed, logFormat }) => {
      onServing();
      const { dev } = await import("./dev.ts");
      const changed = { ...config, port, dataDir, deployTimeoutMs };
      onExit(
        await dev({ config: changed, sentinels, convergeMs: converge, failures: fail, seed, logFormat }, surroundings),
      );
    });
}

export function serveCommand(surroundings: Surroundings) {
  const { config, onExit, onServing } = surroundings;
  return new Command("serve")
    .description("the server; stays up")
    .option("--host <address>", "address to listen on (HYDRA_HOST)", config.host)
    .option("--port <port>", "port to listen on; 0: any free one (HYDRA_PORT)", orUsage(parsePort), config.port)
    .option("--data-dir <directory>", "where the embedded Postgres keeps its data (HYDRA_DATA_DIR)", config.dataDir)
    .option("--insecure", "listen on other addresses than loopback, though there are no tokens", false)
    .option("--agent-region <id>", "be the agent of one cluster, too, for this region (HYDRA_AGENT_REGION)")
    .option("--kubeconfig <file>", "of that cluster (KUBECONFIG, ~/.kube/config, or the pod's own)", config.kubeconfig)
    .option("--context <name>", "of the kubeconfig; its current one unless given")
    .addOption(logFormatOption("json"))
    .action(
      async ({ host, port, dataDir, insecure, agentRegion = config.agentRegion, kubeconfig, context, logFormat }) => {
        onServing();
        const { serve } = await import("./serve.ts");
        const changed = { ...config, host, port, dataDir, agentRegion, kubeconfig };
        onExit(await serve({ config: changed, insecure, context, logFormat }, surroundings));
      },
    );
}

function convergeOption() {
  return new Option("--converge <duration>", "how long a sentinel takes, or MIN-MAX")
    .argParser(parseRange)
    .default(parseRange(DEV_CONVERGE), DEV_CONVERGE);
}

function failOption() {
  return new Option(
    "--fail <id[=class]>",
    "never gets ready on a new image; with a class, such as image_pull, its cluster says so",
  )
    .argParser(collectFailure)
    .default(new Map<string, string>(), "none");
}

function deployTimeoutOption(text: string) {
  return new Option("--deploy-timeout <duration>", "after that a deploy has failed (HYDRA_DEPLOY_TIMEOUT)")
    .argParser(orUsage(parsePositiveDurationMs))
    .default(parsePositiveDurationMs(text), text);
}

export function logFormatOption(fallback: "json" | "pretty") {
  return new Option("--log-format <format>", "of the log, on standard error")
    .choices(["json", "pretty"] as const)
    .default(fallback);
}

/** A parser of settings as one of options: what it throws is told as wrong usage. */
export function orUsage<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(`It ${(error as Error).message}.`);
    }
  };
}

function parseCount(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError("It must be a whole number, 999999 at most.");
  return Number(text);
}

/** `500`, `2s` or `200ms-3s`. */
function parseRange(text: string): { min: number; max: number } {
  const [from = "", to = from, ...more] = text.split("-");
  const min = orUsage(parseDurationMs)(from);
  const max = orUsage(parseDurationMs)(to);
  if (more.length > 0 || min > max)
    throw new InvalidArgumentError("It must be a duration, or two as MIN-MAX, for example 200ms-3s.");
  return { min, max };
}

function collectFailure(text: string, failures: ReadonlyMap<string, string>): Map<string, string> {
  const [id = "", failureClass = "", ...more] = text.split("=");
  if (id === "" || more.length > 0)
    throw new InvalidArgumentError("It must name a sentinel, for example snt_000042 or snt_000042=image_pull.");
  return new Map([...failures, [id, failureClass]]);
}
