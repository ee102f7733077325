import type { DeployFailureClass } from "../../gen/hydra/v1/cluster_pb.ts";

// What the agent keeps of the objects of its cluster: as little as judging and
// applying need, since it holds them for every sentinel.

/** Label of a Deployment's own metadata, never of its pods: the sentinel that it is. What the agent watches by. */
export const SENTINEL_LABEL = "hydra.dev/sentinel.id";

/**
 * Annotations of a Deployment's own metadata. They say what has been applied, so
 * that any agent, a restarted or a second one, reports and compares alike.
 */
export const Annotation = {
  /** Generation of the sentinel that was applied last. */
  GENERATION: "hydra.dev/generation",
  /** Number of the deploy that was applied last. */
  DEPLOY: "hydra.dev/deploy",
  /** Digest of what was desired then: the same numbers with another one are those of another life (N2). */
  CONFIGURATION: "hydra.dev/configuration",
  /** Whose fields were taken over with it; unset: nobody's. */
  TAKEN_FROM: "hydra.dev/taken-from",
  /** Set where hydra made the object, and so removes it: `true`. */
  CREATED: "hydra.dev/created",
  /** Name of the Deployment that an object was made for, together with `CREATED`. */
  DEPLOYMENT: "hydra.dev/deployment",
  /** While its sentinel is on standby: how many replicas the Deployment had before. */
  REPLICAS_BEFORE_STANDBY: "hydra.dev/replicas-before-standby",
} as const;

/** Where a Deployment is. */
export interface Place {
  readonly namespace: string;
  readonly name: string;
}

/** A condition of a Deployment or a pod. */
export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  /** When `status` changed last, in ms since 1970. */
  readonly since: number;
}

export interface DeploymentView extends Place {
  readonly uid: string;
  /** Grows with every change of the object, and across objects of one cluster. */
  readonly resourceVersion: bigint;
  /** Grows with every change of the spec. */
  readonly generation: number;
  /** Of its newest ReplicaSet; 0: there has been none yet. */
  readonly revision: number;
  /** From the label. */
  readonly sentinelId: string | undefined;
  /** From the annotations; 0: hydra has applied nothing yet. */
  readonly appliedGeneration: bigint;
  readonly appliedDeploy: bigint;
  /** Digest of what was desired then; undefined: it does not say. */
  readonly appliedConfiguration?: string | undefined;
  readonly takenFrom: string;
  readonly createdByHydra: boolean;
  /** Somebody has asked for its deletion. */
  readonly terminating: boolean;
  readonly paused: boolean;
  /** As the spec has it. */
  readonly replicas: number;
  readonly minReadySeconds: number;
  readonly progressDeadlineSeconds: number;
  /** Of its pod template, in order. */
  readonly containers: readonly ContainerSpec[];
  /** Who set a field last, by the API server's own record. */
  readonly owners: { readonly image?: string; readonly replicas?: string };
  readonly status: {
    readonly observedGeneration: number;
    readonly replicas: number;
    readonly updatedReplicas: number;
    readonly readyReplicas: number;
    readonly availableReplicas: number;
    readonly unavailableReplicas: number;
    readonly conditions: readonly Condition[];
  };
}

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  /** Of the requests; undefined: none. */
  readonly cpuMillicores: number | undefined;
  readonly memoryMib: number | undefined;
}

export interface ReplicaSetView extends Place {
  readonly uid: string;
  readonly resourceVersion: bigint;
  /** Uid of the Deployment that owns it. */
  readonly ownerUid: string;
  /** The Deployment's revision that it is; the newest has the greatest. */
  readonly revision: number;
  readonly replicas: number;
  /** Of its pod template, by the container's name. */
  readonly images: Readonly<Record<string, string>>;
}

export interface PodView extends Place {
  readonly uid: string;
  readonly resourceVersion: bigint;
  /** Uid of the ReplicaSet that owns it. */
  readonly ownerUid: string;
  readonly phase: string;
  readonly terminating: boolean;
  readonly conditions: readonly Condition[];
  readonly containers: readonly ContainerState[];
}

/** Of init containers, too. */
export interface ContainerState {
  readonly name: string;
  readonly image: string;
  readonly ready: boolean;
  readonly restarts: number;
  /** Why it does not run yet, in the kubelet's words. */
  readonly waiting: { readonly reason: string; readonly message: string } | undefined;
  /** How it ended last. */
  readonly terminated: { readonly exitCode: number; readonly reason: string; readonly message: string } | undefined;
}

/** A HorizontalPodAutoscaler of a Deployment. */
export interface AutoscalerView extends Place {
  readonly minReplicas: number;
  readonly maxReplicas: number;
}

/** The objects of a cluster as they were heard of last. Reading costs no request. */
export interface ClusterObjects {
  /** Only those with the sentinel label are there. */
  deployment(place: Place): DeploymentView | undefined;
  replicaSetsOf(deploymentUid: string): readonly ReplicaSetView[];
  podsOf(replicaSetUid: string): readonly PodView[];
  autoscalerOf(place: Place): AutoscalerView | undefined;
}

/** Why a deploy cannot work. */
export interface Failure {
  readonly failureClass: DeployFailureClass;
  /** For a person, in the cluster's own words. */
  readonly reason: string;
}
