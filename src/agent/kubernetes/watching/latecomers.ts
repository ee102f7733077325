import type { V1Deployment, V1Pod, V1ReplicaSet } from "@kubernetes/client-node";
import PQueue from "p-queue";
import type { AgentLog } from "../../agent-log.ts";
import { Backoff } from "../../backoff.ts";
import type { KubeClient } from "../kube-client.ts";
import type { KindSink } from "./kind-watch.ts";
import { selectorText } from "./label-selector.ts";
import { listPages } from "./list-pages.ts";
import { PODS_THAT_COUNT } from "./pod-view.ts";
import { identityOf, type KubeObject } from "./object-meta.ts";
import { until } from "../until.ts";

export interface LatecomersOptions {
  readonly client: KubeClient;
  readonly replicaSets: KindSink<V1ReplicaSet>;
  readonly pods: KindSink<V1Pod>;
  /** Whether the Deployment is still ours. */
  readonly isOurs: (uid: string) => boolean;
  readonly log: AgentLog;
  readonly signal: AbortSignal;
}

/**
 * Deployments that become ours after they have got ReplicaSets and pods, by
 * adoption for one. Those have been dropped as somebody else's, and are fetched.
 *
 *   L1. What is deleted while something is being fetched is not brought back by it.
 */
export class Latecomers {
  readonly #options: LatecomersOptions;
  readonly #queue = new PQueue({ concurrency: 4 });
  readonly #fetching = new Map<string, Promise<void>>();
  readonly #deleted = new Set<string>();

  constructor(options: LatecomersOptions) {
    this.#options = options;
  }

  /** Fetches what a Deployment has, once it is its turn. */
  fetch(deployment: V1Deployment): void {
    const { uid } = identityOf(deployment);
    // One that no controller has seen yet has nothing.
    if (!deployment.status?.observedGeneration || this.#fetching.has(uid)) return;
    const fetched = this.#queue.add(() => this.#fetchPatiently(deployment, uid));
    this.#fetching.set(
      uid,
      fetched.finally(() => {
        this.#fetching.delete(uid);
        if (this.#fetching.size === 0) this.#deleted.clear();
      }),
    );
  }

  /** L1: an object was deleted. */
  deleted(uid: string): void {
    if (this.#fetching.size > 0) this.#deleted.add(uid);
  }

  /** Resolves when all that is to be fetched as of now has come; rejects when the signal is aborted. */
  async settled(signal: AbortSignal): Promise<void> {
    if (this.#fetching.size > 0) await until(Promise.all(this.#fetching.values()), signal);
  }

  async #fetchPatiently(deployment: V1Deployment, uid: string): Promise<void> {
    const { isOurs, log, signal } = this.#options;
    const backoff = Backoff.forCluster();
    while (!signal.aborted && isOurs(uid)) {
      try {
        return await this.#fetchNow(deployment);
      } catch (error) {
        log.warn(
          { err: error, deployment: deployment.metadata?.name },
          "pods of a Deployment could not be listed, trying again",
        );
        await backoff.wait(error, signal);
      }
    }
  }

  async #fetchNow({ metadata, spec }: V1Deployment): Promise<void> {
    const { client, replicaSets, pods, signal } = this.#options;
    const labelSelector = selectorText(spec?.selector ?? {});
    const at = `namespaces/${metadata?.namespace}`;
    const ofReplicaSets = { labelSelector, signal };
    await listPages<V1ReplicaSet>(client, `/apis/apps/v1/${at}/replicasets`, ofReplicaSets, (object) =>
      this.#put(replicaSets, object),
    );
    const ofPods = { labelSelector, fieldSelector: PODS_THAT_COUNT, signal };
    await listPages<V1Pod>(client, `/api/v1/${at}/pods`, ofPods, (object) => this.#put(pods, object));
  }

  #put<T extends KubeObject>(sink: KindSink<T>, object: T): void {
    if (!this.#deleted.has(identityOf(object).uid)) sink.put(object, false);
  }
}
