import os from "node:os";
import type { KubernetesAgent, KubernetesAgentOptions } from "../agent/index.ts";
import type { Config } from "../config/index.ts";
import { UserError } from "./user-error.ts";

export interface ClusterAgentOptions extends Pick<
  KubernetesAgentOptions,
  "client" | "regionId" | "version" | "log" | "signal"
> {
  readonly config: Config;
  /** Of the kubeconfig; undefined: its current one. */
  readonly context: string | undefined;
}

/** Starts the agent of one cluster as the settings say. @throws UserError */
export async function startClusterAgent({ config, context, ...given }: ClusterAgentOptions): Promise<KubernetesAgent> {
  const { startKubernetesAgent } = await import("../agent/index.ts");
  const { kubeconfig, agentTemplate } = config;
  const options: KubernetesAgentOptions = {
    ...given,
    instance: instanceName(),
    cluster: {
      ...(kubeconfig === undefined ? {} : { kubeconfigFile: kubeconfig }),
      ...(context === undefined ? {} : { context }),
    },
    container: config.agentContainer,
    graceMs: config.agentGraceMs,
    force: config.agentForce,
    createNamespaces: config.agentCreateNamespaces,
    ...(agentTemplate === undefined ? {} : { templateFile: agentTemplate }),
    appliesInFlight: config.agentAppliesInFlight,
    appliesPerSecond: config.agentAppliesPerSecond,
    deployTimeoutMs: config.deployTimeoutMs,
    resyncMs: config.agentResyncMs,
  };
  try {
    return await startKubernetesAgent(options);
  } catch (error) {
    // An agent starts without a network: what fails is what a person has written.
    throw new UserError(`the agent cannot start: ${(error as Error).message}.`, { cause: error });
  }
}

/** A pod's name says it all, as the agent is the only process of its pod; elsewhere there may be two. */
function instanceName(): string {
  return process.pid === 1 ? os.hostname() : `${os.hostname()}-${process.pid}`;
}
