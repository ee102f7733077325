import type { Client } from "@connectrpc/connect";
import type { ClusterService } from "../../gen/hydra/v1/cluster_pb.ts";
import type { AgentLog } from "../agent-log.ts";

export interface KubernetesAgentOptions {
  /** Of hydra: over HTTP, or in memory. */
  readonly client: Client<typeof ClusterService>;
  /** The region that the cluster is. */
  readonly regionId: string;
  /** Names this run of the agent among those of its region. */
  readonly instance: string;
  /** Version of the agent program. */
  readonly version: string;
  /** Which cluster. Nothing given: as KUBECONFIG's default says, or the credentials that the agent's own pod has. */
  readonly cluster: ClusterChoice;
  /** Container of a Deployment that hydra sets the image of. */
  readonly container: string;
  /** How long a cluster's bad news must last before a deploy has failed by it. */
  readonly graceMs: number;
  /** Take over fields that belong to somebody else; otherwise that fails the deploy. */
  readonly force: boolean;
  /** Make namespaces that are missing. */
  readonly createNamespaces: boolean;
  /** File of manifests for sentinels that have no Deployment. Unset: those of hydra. */
  readonly templateFile?: string;
  /** Most sentinels that are written to the cluster at the same time. */
  readonly appliesInFlight: number;
  /** Most sentinels that are begun to be written within a second. */
  readonly appliesPerSecond: number;
  /** After this long hydra gives a deploy up; only for words. Default 600,000, as hydra's own. */
  readonly deployTimeoutMs?: number;
  /** How often everything is compared: what is desired, and what has been reported. */
  readonly resyncMs: number;
  readonly log: AgentLog;
  /** Stops the agent, as `stop` does. */
  readonly signal: AbortSignal;
}

/** Where the kubeconfig is and which of its contexts counts. */
export interface ClusterChoice {
  readonly kubeconfigFile?: string;
  readonly context?: string;
}

/** An agent that works. */
export interface KubernetesAgent {
  /** How it is right now; for probes and metrics. */
  status(): AgentStatus;
  /** Ends the streams, the watches and what is being written. Safe to call twice. */
  stop(): Promise<void>;
}

export interface AgentStatus {
  /** To hydra: the stream of desired state is open. */
  readonly connected: boolean;
  /** The cluster's objects are known, and all that is desired has been heard once. */
  readonly synced: boolean;
  /** Uid of the cluster; undefined: it has not answered yet. */
  readonly clusterUid: string | undefined;
  /** Sentinels of the region. */
  readonly sentinels: number;
  readonly applies: {
    readonly inFlight: number;
    /** That wait for their turn. */
    readonly queued: number;
    /** Since the start, by how they ended; `failed` ones are tried again. */
    readonly applied: number;
    readonly refused: number;
    readonly failed: number;
  };
  readonly reports: {
    /** That hydra has taken since the start. */
    readonly sent: number;
    /** That wait to be sent. */
    readonly waiting: number;
    /** When hydra took the last one, in ms since 1970; undefined: none yet. */
    readonly lastAtMs: number | undefined;
  };
  /** Watches that had to be begun again since the start. */
  readonly watchRestarts: number;
}
