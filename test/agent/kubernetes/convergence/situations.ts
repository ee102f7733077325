import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  judge,
  type Memory,
  type Situation,
  type Verdict,
} from "../../../../src/agent/kubernetes/convergence/index.ts";
import type {
  AutoscalerView,
  Condition,
  ContainerState,
  DeploymentView,
  PodView,
  ReplicaSetView,
} from "../../../../src/agent/kubernetes/objects.ts";
import { DesiredSentinelSchema } from "../../../../src/gen/hydra/v1/cluster_pb.ts";
import { SentinelDesiredState } from "../../../../src/gen/hydra/v1/sentinel_pb.ts";

// Sentinel `s1`: Deployment `fleet/snt-1` of one replica, which deploy 2 rolls
// from `old:1` to `new:2`.

export const OLD_IMAGE = "old:1";
export const NEW_IMAGE = "new:2";
export const GRACE_MS = 30_000;

/** What differs from a deploy that has just made its first pod. */
export interface Given {
  readonly desired?: MessageInitShape<typeof DesiredSentinelSchema>;
  /** Null: there is none. */
  readonly deployment?: Partial<Omit<DeploymentView, "status">> | null;
  readonly status?: Partial<DeploymentView["status"]>;
  /** Of the ReplicaSet with the new image. Default: one that is not ready. */
  readonly newPods?: readonly PodView[];
  /** Of the one before. Default: one that is ready. */
  readonly oldPods?: readonly PodView[];
  readonly newReplicaSet?: Partial<ReplicaSetView>;
  readonly oldReplicaSet?: Partial<ReplicaSetView>;
  readonly unlabelled?: boolean;
  readonly autoscaler?: AutoscalerView;
  readonly deployTimeoutMs?: number;
}

/** The old pod serves, the new one is yet to come up. */
export function rolling(given: Given = {}): Situation {
  const { deployment, newPods = [pod("new-a")], oldPods = [pod("old-a", { ready: true })] } = given;
  return {
    desired: desiredSentinel(given.desired),
    container: "sentinel",
    deployment: deployment === null ? undefined : deploymentView(deployment, given.status),
    unlabelled: given.unlabelled ?? false,
    replicaSets:
      deployment === null
        ? []
        : [
            { view: replicaSet("rs-old", 1, OLD_IMAGE, given.oldReplicaSet), pods: oldPods },
            { view: replicaSet("rs-new", 2, NEW_IMAGE, given.newReplicaSet), pods: newPods },
          ],
    autoscaler: given.autoscaler,
    deployTimeoutMs: given.deployTimeoutMs ?? 600_000,
  };
}

/** The new pod is available, and the old one has gone. */
export function converged(given: Given = {}): Situation {
  const status = { replicas: 1, unavailableReplicas: 0, ...given.status };
  return rolling({ newPods: [pod("new-a", { ready: true })], oldPods: [], ...given, status });
}

export function desiredSentinel(given: MessageInitShape<typeof DesiredSentinelSchema> = {}) {
  return create(DesiredSentinelSchema, {
    sentinelId: "s1",
    k8sNamespace: "fleet",
    k8sName: "snt-1",
    desiredState: SentinelDesiredState.RUNNING,
    image: NEW_IMAGE,
    desiredReplicas: 1,
    generation: 2n,
    deployNumber: 2n,
    ...given,
  });
}

export function deploymentView(
  given: Partial<Omit<DeploymentView, "status">> = {},
  status: Partial<DeploymentView["status"]> = {},
): DeploymentView {
  return {
    namespace: "fleet",
    name: "snt-1",
    uid: "deployment-1",
    resourceVersion: 100n,
    generation: 2,
    revision: 2,
    sentinelId: "s1",
    appliedGeneration: 2n,
    appliedDeploy: 2n,
    takenFrom: "",
    createdByHydra: false,
    terminating: false,
    paused: false,
    replicas: 1,
    minReadySeconds: 0,
    progressDeadlineSeconds: 600,
    containers: [containerSpec(NEW_IMAGE)],
    owners: { image: "hydra" },
    ...given,
    status: {
      observedGeneration: given.generation ?? 2,
      replicas: 2,
      updatedReplicas: 1,
      readyReplicas: 1,
      availableReplicas: 1,
      unavailableReplicas: 1,
      conditions: [],
      ...status,
    },
  };
}

export function containerSpec(image: string) {
  return { name: "sentinel", image, cpuMillicores: undefined, memoryMib: undefined };
}

function replicaSet(uid: string, revision: number, image: string, given: Partial<ReplicaSetView> = {}): ReplicaSetView {
  return {
    namespace: "fleet",
    name: uid,
    uid,
    resourceVersion: 90n,
    ownerUid: "deployment-1",
    revision,
    replicas: 1,
    images: { sentinel: image },
    ...given,
  };
}

interface PodGiven extends Partial<Omit<PodView, "containers">> {
  readonly ready?: boolean;
  readonly containers?: readonly ContainerState[];
}

export function pod(name: string, { ready = false, ...given }: PodGiven = {}): PodView {
  return {
    namespace: "fleet",
    name,
    uid: name,
    resourceVersion: 95n,
    ownerUid: "rs",
    phase: "Running",
    terminating: false,
    conditions: [condition({ type: "Ready", status: ready ? "True" : "False" })],
    containers: [container({ ready })],
    ...given,
  };
}

/** A pod of which one container waits for this reason. */
export function waitingPod(reason: string, message = "", given: Partial<ContainerState> = {}): PodView {
  return pod("new-a", { containers: [container({ waiting: { reason, message }, ...given })] });
}

export function container(given: Partial<ContainerState> = {}): ContainerState {
  return {
    name: "sentinel",
    image: NEW_IMAGE,
    ready: false,
    restarts: 0,
    waiting: undefined,
    terminated: undefined,
    ...given,
  };
}

export function condition(given: Partial<Condition> & Pick<Condition, "type" | "status">): Condition {
  return { reason: "", message: "", since: 0, ...given };
}

/** Judges one look after the other, remembering as an agent does. */
export function observer(graceMs = GRACE_MS): (situation: Situation, nowMs: number) => Verdict {
  let memory: Memory | undefined;
  return (situation, nowMs) => {
    const verdict = judge(situation, { nowMs, graceMs }, memory);
    memory = verdict.memory;
    return verdict;
  };
}

/** A first look, at no particular time. */
export function look(situation: Situation): Verdict {
  return observer()(situation, 0);
}

/** The verdict once all that is so has lasted for the grace. */
export function afterGrace(situation: Situation): Verdict {
  const at = observer();
  at(situation, 0);
  return at(situation, GRACE_MS);
}
