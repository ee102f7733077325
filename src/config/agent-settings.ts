import {
  integerParser,
  parseBoolean,
  parseDurationMs,
  parsePort,
  parsePositiveDurationMs,
  parseText,
} from "./parsers.ts";
import { optional, required } from "./setting.ts";

/** What `hydra agent`, and `hydra serve` with an agent inside, read besides the server to speak to. */
export const agentSettings = {
  agentRegion: optional({
    name: "HYDRA_AGENT_REGION",
    meaning: "Region whose sentinels the agent looks after.",
    readBy: "agents",
    parse: parseText,
  }),
  kubeconfig: optional({
    name: "KUBECONFIG",
    meaning:
      "Kubeconfig of the cluster, or several, as kubectl has it. Unset: ~/.kube/config, or else the credentials of the agent's own pod.",
    readBy: "agents",
    parse: parseText,
  }),
  agentContainer: required({
    name: "HYDRA_AGENT_CONTAINER",
    meaning: "Container of a Deployment that hydra sets the image of.",
    readBy: "agents",
    default: "sentinel",
    parse: parseText,
  }),
  agentGraceMs: required({
    name: "HYDRA_AGENT_GRACE",
    meaning: "How long a cluster's bad news must last before a deploy has failed by it.",
    readBy: "agents",
    default: "30s",
    parse: parseDurationMs,
  }),
  agentForce: required({
    name: "HYDRA_AGENT_FORCE",
    meaning:
      "Whether the agent takes a field over that somebody else has set; `false`: that fails the deploy, with class `conflict`.",
    readBy: "agents",
    default: "true",
    parse: parseBoolean,
  }),
  agentCreateNamespaces: required({
    name: "HYDRA_AGENT_CREATE_NAMESPACES",
    meaning: "Whether the agent makes a namespace that a sentinel needs and that is not there.",
    readBy: "agents",
    default: "false",
    parse: parseBoolean,
  }),
  agentTemplate: optional({
    name: "HYDRA_AGENT_TEMPLATE",
    meaning:
      "File of manifests for sentinels that have no Deployment yet. Unset: a Deployment, a Service and a PodDisruptionBudget of hydra's own.",
    readBy: "agents",
    parse: parseText,
  }),
  agentAppliesInFlight: required({
    name: "HYDRA_AGENT_APPLIES_IN_FLIGHT",
    meaning: "Most sentinels that the agent writes to its cluster at the same time.",
    readBy: "agents",
    default: "10",
    parse: integerParser(1, 1_000),
  }),
  agentAppliesPerSecond: required({
    name: "HYDRA_AGENT_APPLIES_PER_SECOND",
    meaning: "Most sentinels that the agent writes to its cluster within a second.",
    readBy: "agents",
    default: "50",
    parse: integerParser(1, 10_000),
  }),
  agentResyncMs: required({
    name: "HYDRA_AGENT_RESYNC",
    meaning: "How often the agent compares everything, both what is desired and what it has reported.",
    readBy: "agents",
    default: "10m",
    parse: parsePositiveDurationMs,
  }),
  agentHealthHost: required({
    name: "HYDRA_AGENT_HEALTH_HOST",
    meaning: "Address of the agent's pages for probes and metrics.",
    readBy: "agents",
    default: "127.0.0.1",
    parse: parseText,
  }),
  agentHealthPort: optional({
    name: "HYDRA_AGENT_HEALTH_PORT",
    meaning: "Port of those pages (/healthz, /readyz, /metrics); 0: any free one. Unset: none are served.",
    readBy: "agents",
    parse: parsePort,
  }),
};
