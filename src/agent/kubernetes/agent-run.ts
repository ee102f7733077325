import { Backoff } from "../backoff.ts";
import { followDesiredState } from "../desired-stream.ts";
import { Reporter } from "../reporter.ts";
import type { AgentStatus, KubernetesAgent, KubernetesAgentOptions } from "./agent-options.ts";
import { createApplier } from "./applying/create-applier.ts";
import { readTemplate, type Template } from "./applying/template/template.ts";
import { type ClusterConnection, connectToCluster } from "./connection/connect.ts";
import { ApplyQueue } from "./reconciling/apply-queue.ts";
import { connectedCluster } from "./reconciling/connected-cluster.ts";
import { Reconciler } from "./reconciling/reconciler.ts";
import { startWatching, type Watching } from "./watching/start-watching.ts";

const DEPLOY_TIMEOUT_MS = 600_000;

/** As `startKubernetesAgent` says. */
export async function runAgent(options: KubernetesAgentOptions): Promise<KubernetesAgent> {
  const { cluster, container, templateFile, log } = options;
  const stopping = new AbortController();
  const signal = AbortSignal.any([options.signal, stopping.signal]);
  const template = await readTemplate(templateFile, container);
  const connection = await connectToCluster({ ...cluster, log, signal });
  const run = new AgentRun({ ...options, signal }, connection, template);
  const ended = run.run();
  return {
    status: () => run.status(),
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}

/** One agent: what is desired comes in, what is seen goes out, and the cluster is in between. */
class AgentRun {
  readonly #options: KubernetesAgentOptions;
  readonly #connection: ClusterConnection;
  readonly #watching: Watching;
  readonly #queue: ApplyQueue;
  readonly #counts = { applied: 0, refused: 0, failed: 0 };
  readonly #reconciler: Reconciler;
  #reporter: Reporter | undefined;
  #clusterUid: string | undefined;
  #isConnected = false;

  constructor(options: KubernetesAgentOptions, connection: ClusterConnection, template: Template) {
    const { container, force, createNamespaces, graceMs, deployTimeoutMs, log, signal } = options;
    this.#options = options;
    this.#connection = connection;
    const onChange = (place: Parameters<Reconciler["changed"]>[0]) => this.#reconciler.changed(place);
    this.#watching = startWatching({ connection, container, log, signal, onChange });
    this.#queue = new ApplyQueue({ inFlight: options.appliesInFlight, perSecond: options.appliesPerSecond }, signal);
    const applier = createApplier({ client: connection.client, container, force, createNamespaces, template, log });
    this.#reconciler = new Reconciler({
      cluster: connectedCluster(connection.client, this.#watching, applier),
      queue: this.#queue,
      look: { container, deployTimeoutMs: deployTimeoutMs ?? DEPLOY_TIMEOUT_MS },
      graceMs,
      counts: this.#counts,
      report: (observed) => this.#reporter?.report(observed),
      log,
      signal,
    });
  }

  /** Until the signal is aborted. Never rejects. */
  async run(): Promise<void> {
    void this.#watching.synced.then(() => this.#reconciler.begin());
    await Promise.all([this.#speakWithHydra(), this.#watching.ended]);
    this.#reconciler.stop();
    await this.#connection.close();
  }

  status(): AgentStatus {
    const { sent = 0, waiting = 0, lastAtMs } = this.#reporter?.status ?? {};
    return {
      connected: this.#isConnected,
      synced: this.#reconciler.isSynced,
      clusterUid: this.#clusterUid,
      sentinels: this.#reconciler.size,
      applies: { inFlight: this.#queue.inFlight, queued: this.#queue.queued, ...this.#counts },
      reports: { sent, waiting, lastAtMs },
      watchRestarts: this.#watching.restarts(),
    };
  }

  async #speakWithHydra(): Promise<void> {
    const { client, regionId, instance, version, resyncMs, log, signal } = this.#options;
    const clusterUid = await this.#askForUid();
    if (clusterUid === undefined) return;
    this.#clusterUid = clusterUid;
    const agent = { regionId, clusterUid, version, instance };
    this.#reporter = new Reporter({ client, agent, log, signal });
    const onConnection = (open: boolean) => (this.#isConnected = open);
    const desired = this.#reconciler;
    await Promise.all([
      this.#reporter.run(),
      followDesiredState({ client, agent, desired, resyncMs, onConnection, log, signal }),
    ]);
  }

  /** Without it hydra does not speak to an agent. Undefined: stopped before the cluster has answered. */
  async #askForUid(): Promise<string | undefined> {
    const { log, signal } = this.#options;
    const backoff = Backoff.forCluster();
    while (!signal.aborted) {
      try {
        return await this.#connection.clusterUid();
      } catch (error) {
        if (signal.aborted) return undefined;
        const fields = { err: error, server: this.#connection.server };
        if (backoff.failures === 0) log.warn(fields, "the cluster does not answer, trying again");
        else log.debug(fields, "the cluster does not answer yet, trying again");
        await backoff.wait(error, signal);
      }
    }
    return undefined;
  }
}
