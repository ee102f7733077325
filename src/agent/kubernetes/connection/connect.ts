import type { AgentLog } from "../../agent-log.ts";
import type { ClusterChoice } from "../agent-options.ts";
import type { KubeClient } from "../kube-client.ts";
import type { WatchEvent } from "./watch-stream.ts";

export interface ConnectOptions extends ClusterChoice {
  readonly log: AgentLog;
  /** Closes the connection, as `close` does. */
  readonly signal: AbortSignal;
}

/** To one cluster's API server. Any number of calls may be under way. */
export interface ClusterConnection {
  /** Where the API server is, for people. */
  readonly server: string;
  readonly client: KubeClient;
  /** Uid of the namespace kube-system, which stands for the cluster's. Throws as `request` does. */
  clusterUid(): Promise<string>;
  /** Version of the API server: `v1.36.3`. Throws as `request` does. */
  clusterVersion(): Promise<string>;
  /**
   * One watch. Ends when the API server ends it.
   *
   * @throws KubeError if it is refused, cut, or silent for too long.
   */
  watch(path: string, options: WatchOptions): AsyncGenerator<WatchEvent>;
  /** Ends what is under way. Safe to call twice. */
  close(): Promise<void>;
}

export interface WatchOptions {
  readonly query: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Silence after which the connection counts as dead. */
  readonly silenceMs: number;
}

/**
 * Prepares a connection; nothing is sent yet.
 *
 * @throws a sentence about what a person has to correct: no such file, no such
 *   context, nothing to connect to.
 */
export async function connectToCluster(options: ConnectOptions): Promise<ClusterConnection> {
  // The library behind it takes half a second and 50 MB, which only those pay who have a cluster.
  const { openConnection } = await import("./connection.ts");
  return openConnection(options);
}
