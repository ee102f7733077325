import { DeployFailureClass } from "../../../gen/hydra/v1/cluster_pb.ts";
import type { ContainerState, PodView } from "../objects.ts";
import { inOneLine, reasonAndMessage } from "./cluster-words.ts";
import type { Trouble } from "./trouble.ts";

// What the kubelet and the scheduler say of pods.

const CANNOT_PULL = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "ErrImageNeverPull",
  "ImageInspectError",
  "RegistryUnavailable",
  "SignatureValidationFailed",
]);

const CANNOT_CREATE = new Set(["CreateContainerConfigError", "CreateContainerError", "RunContainerError"]);

/** A first restart is tried at once, and often all that it takes. */
const RESTARTS_OF_A_LOOP = 2;

/** All that is wrong with these pods, at most one of a class; they are in the order of their names. */
export function podTroubles(pods: readonly PodView[]): Trouble[] {
  const found = new Map<DeployFailureClass, Trouble>();
  for (const trouble of pods.flatMap((pod) => [...schedulingTrouble(pod), ...containerTroubles(pod)])) {
    const known = found.get(trouble.failureClass);
    if (!known || (known.inBetween && !trouble.inBetween)) found.set(trouble.failureClass, trouble);
  }
  return [...found.values()];
}

function schedulingTrouble({ name, conditions }: PodView): Trouble[] {
  const condition = conditions.find(({ type, status }) => type === "PodScheduled" && status === "False");
  if (!condition) return [];
  const reason = `no node takes pod ${name}: ${inOneLine(condition.message) || condition.reason}`;
  return [{ failureClass: DeployFailureClass.UNSCHEDULABLE, reason }];
}

function containerTroubles(pod: PodView): Trouble[] {
  const unready = pod.containers.filter(({ ready }) => !ready);
  return unready.flatMap((container) => [...startTrouble(pod, container), ...crashTrouble(pod, container)]);
}

/** It does not come as far as to run. */
function startTrouble({ name: pod }: PodView, container: ContainerState): Trouble[] {
  const { waiting, name, image } = container;
  if (waiting && CANNOT_PULL.has(waiting.reason)) {
    const reason = `image ${image} of container ${name} cannot be pulled (pod ${pod}): ${reasonAndMessage(waiting)}`;
    return [{ failureClass: DeployFailureClass.IMAGE_PULL, reason }];
  }
  if (waiting && CANNOT_CREATE.has(waiting.reason)) {
    const reason = `container ${name} cannot be created (pod ${pod}): ${reasonAndMessage(waiting)}`;
    return [{ failureClass: DeployFailureClass.INVALID_CONFIG, reason }];
  }
  return [];
}

/** Between two crashes of a loop the container is started, runs, and has ended. */
function crashTrouble({ name: pod }: PodView, container: ContainerState): Trouble[] {
  const { waiting, restarts, terminated, name } = container;
  const isBackingOff = waiting?.reason === "CrashLoopBackOff";
  const isInLoop = terminated !== undefined && restarts >= RESTARTS_OF_A_LOOP;
  if (!isBackingOff && !isInLoop) return [];
  const reason = `container ${name} crashes (pod ${pod}): ${end(container)}`;
  return [{ failureClass: DeployFailureClass.CRASH_LOOP, reason, inBetween: !isBackingOff }];
}

function end({ terminated, waiting, restarts }: ContainerState): string {
  const last = terminated
    ? [`exit code ${terminated.exitCode}`, reasonAndMessage(terminated)].filter((text) => text !== "").join(", ")
    : inOneLine(waiting?.message ?? "");
  const count = restarts === 1 ? "1 restart" : `${restarts} restarts`;
  return [last, restarts > 0 ? count : ""].filter((text) => text !== "").join("; ");
}
