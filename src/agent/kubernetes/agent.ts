import type { KubernetesAgent, KubernetesAgentOptions } from "./agent-options.ts";

/**
 * Starts the agent of one cluster. A cluster or a hydra that cannot be reached
 * is tried again for as long as it takes; `status` tells.
 *
 * @throws on what a person has to correct: a kubeconfig, a context or a
 *   template that is not there or not right.
 */
export async function startKubernetesAgent(options: KubernetesAgentOptions): Promise<KubernetesAgent> {
  // Only those who have a cluster load what it takes.
  const { runAgent } = await import("./agent-run.ts");
  return runAgent(options);
}
