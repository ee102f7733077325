import { Command } from "@commander-js/extra-typings";
import { examples, withConnection } from "../cli/index.ts";
import { parseDurationMs, parsePort } from "../config/index.ts";
import { logFormatOption, orUsage } from "./server-commands.ts";
import type { Surroundings } from "./surroundings.ts";

/** `hydra agent`; its code is loaded when it runs. */
export function agentCommand(surroundings: Surroundings) {
  const { config, onServing } = surroundings;
  return new Command("agent")
    .description("the agent of one cluster: applies what is desired of a region, and reports; stays up")
    .option("--region <id>", "region whose sentinels are this cluster's (HYDRA_AGENT_REGION)", config.agentRegion)
    .option("--kubeconfig <file>", "which cluster (KUBECONFIG, ~/.kube/config, or the pod's own)", config.kubeconfig)
    .option("--context <name>", "of the kubeconfig; its current one unless given")
    .option("--container <name>", "that has the image (HYDRA_AGENT_CONTAINER)", config.agentContainer)
    .option("--no-force", "a field that somebody else has set: fail instead of taking it (HYDRA_AGENT_FORCE)")
    .option("--create-namespaces", "make those that are missing (HYDRA_AGENT_CREATE_NAMESPACES)", false)
    .option("--template <file>", "manifests for new sentinels (HYDRA_AGENT_TEMPLATE)", config.agentTemplate)
    .option(
      "--grace <duration>",
      "how long bad news must last (HYDRA_AGENT_GRACE; 30s unless set)",
      orUsage(parseDurationMs),
    )
    .option(
      "--health-port <port>",
      "serve /healthz, /readyz and /metrics there (HYDRA_AGENT_HEALTH_PORT)",
      orUsage(parsePort),
      config.agentHealthPort,
    )
    .option("--url <url>", "server (HYDRA_URL; http://127.0.0.1:8080 unless set)")
    .option("--token <token>", "bearer token (HYDRA_TOKEN, or HYDRA_TOKEN_FILE)")
    .addOption(logFormatOption("json"))
    .addHelpText(
      "after",
      examples("hydra agent --region eu-1 --kubeconfig ~/.kube/eu-1 --url https://hydra.example.com"),
    )
    .action(async ({ region, kubeconfig, context, url, token, logFormat, ...flags }) => {
      onServing();
      const changed = {
        ...config,
        agentRegion: region,
        kubeconfig,
        agentContainer: flags.container,
        agentForce: config.agentForce && flags.force,
        agentCreateNamespaces: config.agentCreateNamespaces || flags.createNamespaces,
        agentTemplate: flags.template,
        agentGraceMs: flags.grace ?? config.agentGraceMs,
        agentHealthPort: flags.healthPort,
      };
      const { agent } = await import("./agent.ts");
      await withConnection({ ...surroundings, ...serverOf(surroundings) }, { url, token }, (connection) =>
        agent({ config: changed, context, connection, logFormat }, surroundings),
      );
    });
}

function serverOf({ config: { url, token, tokenFile, caFile } }: Surroundings) {
  return { url, token, tokenFile, caFile };
}
