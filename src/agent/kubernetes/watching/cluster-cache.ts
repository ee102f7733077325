import type { V1Deployment, V1Pod, V1ReplicaSet, V2HorizontalPodAutoscaler } from "@kubernetes/client-node";
import type { AutoscalerView, ClusterObjects, DeploymentView, Place, PodView, ReplicaSetView } from "../objects.ts";
import { autoscalerView } from "./autoscaler-view.ts";
import { Autoscalers } from "./autoscalers.ts";
import { deploymentView } from "../deployment-view.ts";
import type { KindSink } from "./kind-watch.ts";
import { identityOf, type KubeObject } from "./object-meta.ts";
import { OurDeployments } from "./our-deployments.ts";
import { type Owned, OwnedObjects } from "./owned-objects.ts";
import { podView } from "./pod-view.ts";
import { replicaSetView } from "./replica-set-view.ts";

export interface ClusterCacheOptions {
  /** Container of a Deployment that hydra sets the image of. */
  readonly container: string;
  /** Something about the Deployment at this place has changed. */
  readonly onChange: (place: Place) => void;
  /** A Deployment has become ours; what belongs to it may have been dropped before. */
  readonly onNewDeployment: (deployment: V1Deployment) => void;
}

export interface CacheSizes {
  readonly deployments: number;
  readonly replicaSets: number;
  readonly pods: number;
}

/** The objects of our Deployments and no others, stripped, and where to put what is heard of each kind. */
export class ClusterCache implements ClusterObjects {
  readonly #options: ClusterCacheOptions;
  readonly #deployments: OurDeployments;
  readonly #replicaSets: OwnedObjects<ReplicaSetView>;
  readonly #pods: OwnedObjects<PodView>;
  readonly #autoscalers: Autoscalers;
  #deploymentsHeard = 0n;
  #replicaSetsHeard = 0n;

  constructor(options: ClusterCacheOptions) {
    this.#options = options;
    this.#deployments = new OurDeployments((uid, place) => {
      this.#replicaSets.ownerGone(uid);
      options.onChange(place);
    });
    this.#replicaSets = new OwnedObjects({
      has: (uid) => this.isOurs(uid),
      heard: () => this.#deploymentsHeard,
      changed: ({ ownerUid }) => this.#tellDeployment(ownerUid),
      dropped: ({ uid }) => this.#pods.ownerGone(uid),
    });
    this.#pods = new OwnedObjects({
      has: (uid) => this.#replicaSets.get(uid) !== undefined,
      heard: () => this.#replicaSetsHeard,
      changed: ({ ownerUid }) => this.#tellDeployment(this.#replicaSets.get(ownerUid)?.ownerUid),
      dropped: () => {},
    });
    this.#autoscalers = new Autoscalers((target) => {
      if (this.#deployments.at(target) !== undefined) options.onChange(target);
    });
  }

  deployment(place: Place): DeploymentView | undefined {
    return this.#deployments.at(place);
  }

  replicaSetsOf(deploymentUid: string): readonly ReplicaSetView[] {
    return this.#replicaSets.of(deploymentUid);
  }

  podsOf(replicaSetUid: string): readonly PodView[] {
    return this.#pods.of(replicaSetUid);
  }

  autoscalerOf(place: Place): AutoscalerView | undefined {
    return this.#autoscalers.of(place);
  }

  isOurs(deploymentUid: string): boolean {
    return this.#deployments.placeOf(deploymentUid) !== undefined;
  }

  /** How many of each kind are kept. */
  sizes(): CacheSizes {
    return {
      deployments: this.#deployments.size,
      replicaSets: this.#replicaSets.size,
      pods: this.#pods.size,
    };
  }

  readonly deployments: KindSink<V1Deployment> = {
    put: (object) => this.#putDeployment(object),
    remove: (uid) => this.#deployments.remove(uid),
    keepOnly: (uids) => this.#deployments.keepOnly(uids),
    heard: (version) => {
      this.#deploymentsHeard = version;
      this.#replicaSets.ownersHeard();
    },
  };

  readonly replicaSets: KindSink<V1ReplicaSet> = {
    put: (object, listed) => putOwned(this.#replicaSets, replicaSetView(object), object, listed),
    remove: (uid) => this.#replicaSets.remove(uid),
    keepOnly: (uids) => this.#replicaSets.keepOnly(uids),
    heard: (version) => {
      this.#replicaSetsHeard = version;
      this.#pods.ownersHeard();
    },
  };

  readonly pods: KindSink<V1Pod> = {
    put: (object, listed) => putOwned(this.#pods, podView(object), object, listed),
    remove: (uid) => this.#pods.remove(uid),
    keepOnly: (uids) => this.#pods.keepOnly(uids),
    heard: () => {},
  };

  readonly autoscalers: KindSink<V2HorizontalPodAutoscaler> = {
    put: (object) => {
      const scaling = autoscalerView(object);
      if (scaling === undefined) this.#autoscalers.remove(identityOf(object).uid);
      else this.#autoscalers.put(scaling);
    },
    remove: (uid) => this.#autoscalers.remove(uid),
    keepOnly: (uids) => this.#autoscalers.keepOnly(uids),
    heard: () => {},
  };

  #putDeployment(object: V1Deployment): void {
    const deployment = deploymentView(object, this.#options.container);
    const isNew = !this.isOurs(deployment.uid);
    if (!isNew && this.#deployments.at(deployment)?.resourceVersion === deployment.resourceVersion) return;
    this.#deployments.put(deployment);
    this.#options.onChange({ namespace: deployment.namespace, name: deployment.name });
    if (isNew) this.#options.onNewDeployment(object);
  }

  #tellDeployment(uid: string | undefined): void {
    const place = uid === undefined ? undefined : this.#deployments.placeOf(uid);
    if (place !== undefined) this.#options.onChange(place);
  }
}

/** An object without an owner, or that has lost it, is nobody's. */
function putOwned<T extends Owned>(objects: OwnedObjects<T>, view: T | undefined, object: KubeObject, listed: boolean) {
  if (view === undefined) objects.remove(identityOf(object).uid);
  else objects.put(view, listed);
}
