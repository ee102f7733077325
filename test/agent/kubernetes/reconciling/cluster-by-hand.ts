import type { Applied } from "../../../../src/agent/kubernetes/applier.ts";
import { configurationOf } from "../../../../src/agent/kubernetes/applying/news.ts";
import type { ClusterObjects, DeploymentView, Place } from "../../../../src/agent/kubernetes/objects.ts";
import { until } from "../../../../src/agent/kubernetes/until.ts";
import type { Cluster } from "../../../../src/agent/kubernetes/reconciling/cluster.ts";
import type { DesiredSentinel } from "../../../../src/gen/hydra/v1/cluster_pb.ts";
import { deploymentView } from "../convergence/situations.ts";

/** What a Deployment is like once hydra has applied something to it; the test says so. */
type Outcome = Omit<Partial<DeploymentView>, "status"> & { readonly status?: Partial<DeploymentView["status"]> };

const CONVERGED = { replicas: 1, updatedReplicas: 1, availableReplicas: 1, unavailableReplicas: 0 };

/** A cluster that does at once what it is told, unless the test says otherwise. */
export class ClusterByHand implements Cluster {
  /** Every try to write, as `sentinel@place deploy image`, and every removal. */
  readonly calls: string[] = [];
  /** What a write comes to. */
  onApply: (desired: DesiredSentinel) => Applied | Promise<Applied> = (desired) => this.accept(desired);
  onRemove: (sentinelId: string, place: Place) => void | Promise<void> = (_, place) => this.delete(place);
  onExists: () => boolean | Promise<boolean> = () => false;
  /** How often it was asked for the Deployment at any place. */
  lookups = 0;
  /** Told of what has changed. */
  changed: (place: Place) => void = () => {};
  readonly #live = new Map<string, DeploymentView>();
  readonly #heard = new Map<string, DeploymentView>();
  #version = 100n;
  readonly #unheard: Place[] = [];
  #hearing: PromiseWithResolvers<void> | undefined;

  readonly objects: ClusterObjects = {
    deployment: (place) => {
      this.lookups += 1;
      return this.#heard.get(keyOf(place));
    },
    replicaSetsOf: () => [],
    podsOf: () => [],
    autoscalerOf: () => undefined,
  };

  readonly applier = {
    apply: async (desired: DesiredSentinel): Promise<Applied> => {
      const { sentinelId, k8sName, deployNumber, image } = desired;
      this.calls.push(`${sentinelId}@${k8sName} ${deployNumber} ${image}`);
      return this.onApply(desired);
    },
    remove: async (sentinelId: string, place: Place): Promise<void> => {
      this.calls.push(`remove ${sentinelId}@${place.name}`);
      await this.onRemove(sentinelId, place);
    },
  };

  async upToDate(_version: bigint, signal: AbortSignal): Promise<void> {
    if (this.#hearing) await until(this.#hearing.promise, signal);
  }

  async exists(_place: Place, signal: AbortSignal): Promise<boolean> {
    return until(Promise.resolve(this.onExists()), signal);
  }

  /** Takes over what is desired; without more said it has converged at once. */
  accept(desired: DesiredSentinel, outcome: Outcome = {}): Applied {
    const place = { namespace: desired.k8sNamespace, name: desired.k8sName };
    const deployment = this.put(place, {
      sentinelId: desired.sentinelId,
      appliedGeneration: desired.generation,
      appliedDeploy: desired.deployNumber,
      appliedConfiguration: configurationOf(desired),
      containers: [{ name: "sentinel", image: desired.image, cpuMillicores: undefined, memoryMib: undefined }],
      ...outcome,
      status: { ...CONVERGED, ...outcome.status },
    });
    return { kind: "applied", deployment };
  }

  /** The Deployment changes, by whomever. */
  put(place: Place, { status, ...changes }: Outcome): DeploymentView {
    this.#version += 1n;
    const before = this.#live.get(keyOf(place));
    const { status: statusBefore, ...rest } = before ?? { uid: `uid-${this.#version}`, status: CONVERGED };
    const after = { ...rest, ...place, resourceVersion: this.#version, ...changes };
    const deployment = deploymentView(after, { ...statusBefore, ...status });
    this.#live.set(keyOf(place), deployment);
    this.#tell(place);
    return deployment;
  }

  delete(place: Place): void {
    this.#live.delete(keyOf(place));
    this.#tell(place);
  }

  /** The watch says nothing until `listen`. */
  deafen(): void {
    this.#hearing = Promise.withResolvers();
  }

  listen(): void {
    const hearing = this.#hearing;
    this.#hearing = undefined;
    for (const place of this.#unheard.splice(0)) this.#tell(place);
    hearing?.resolve();
  }

  #tell(place: Place): void {
    if (this.#hearing) return void this.#unheard.push(place);
    const deployment = this.#live.get(keyOf(place));
    if (deployment) this.#heard.set(keyOf(place), deployment);
    else this.#heard.delete(keyOf(place));
    this.changed(place);
  }
}

function keyOf({ namespace, name }: Place): string {
  return `${namespace}/${name}`;
}
