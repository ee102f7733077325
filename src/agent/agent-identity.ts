/** Who an agent is, as it tells the server with every call. */
export interface AgentIdentity {
  readonly regionId: string;
  /** Uid of the cluster: that of its namespace kube-system. */
  readonly clusterUid: string;
  /** Version of the agent program. */
  readonly version: string;
  /** Names this run of the agent among those of its region. Default: none. */
  readonly instance?: string;
}
