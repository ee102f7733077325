// The only door to the agents.
export type { AgentIdentity } from "./agent-identity.ts";
export type { AgentLog } from "./agent-log.ts";
export { type AgentPages, type AgentPagesOptions, startAgentPages } from "./pages/agent-pages.ts";
export {
  type ListDeploymentsOptions,
  type ListedDeployment,
  type ListedDeployments,
  listDeployments,
} from "./kubernetes/adoption/list-deployments.ts";
export { startKubernetesAgent } from "./kubernetes/agent.ts";
export type {
  AgentStatus,
  ClusterChoice,
  KubernetesAgent,
  KubernetesAgentOptions,
} from "./kubernetes/agent-options.ts";
export type { ConvergeRange } from "./simulated/converge-time.ts";
export { type SimulatedFleet, type SimulatedFleetOptions, startSimulatedFleet } from "./simulated/fleet.ts";
