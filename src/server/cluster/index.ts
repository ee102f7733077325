export { AgentStreams } from "./agent-streams.ts";
export { clusterService } from "./cluster-service.ts";
