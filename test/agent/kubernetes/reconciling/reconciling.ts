import type { MessageInitShape } from "@bufbuild/protobuf";
import { vi } from "vitest";
import type { Observed } from "../../../../src/agent/reporter.ts";
import { ApplyQueue } from "../../../../src/agent/kubernetes/reconciling/apply-queue.ts";
import { Reconciler } from "../../../../src/agent/kubernetes/reconciling/reconciler.ts";
import type { DesiredSentinelSchema } from "../../../../src/gen/hydra/v1/cluster_pb.ts";
import { quietLog } from "../../../support/quiet-log.ts";
import { desiredSentinel, GRACE_MS } from "../convergence/situations.ts";
import { ClusterByHand } from "./cluster-by-hand.ts";

/** From now on time goes on by `after` alone, until `restoreTime`. */
export function stopTime(): void {
  // Of node:timers/promises, too.
  vi.useFakeTimers({ fakeNodeBuiltins: true });
}

export function restoreTime(): void {
  vi.useRealTimers();
}

/** So much time passes, and all that can happen then has happened. */
export async function after(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

interface ReconcilingOptions {
  readonly graceMs?: number;
  readonly inFlight?: number;
  readonly perSecond?: number;
  /** The cluster's objects are known. Default true. */
  readonly begun?: boolean;
}

/** A reconciler of a cluster by hand. */
export function startReconciling(options: ReconcilingOptions = {}) {
  const { graceMs = GRACE_MS, inFlight = 10, perSecond = 1_000, begun = true } = options;
  const cluster = new ClusterByHand();
  const reports: Observed[] = [];
  const stopping = new AbortController();
  const { signal } = stopping;
  const counts = { applied: 0, refused: 0, failed: 0 };
  const reconciler = new Reconciler({
    cluster,
    queue: new ApplyQueue({ inFlight, perSecond }, signal),
    look: { container: "sentinel", deployTimeoutMs: 600_000 },
    graceMs,
    counts,
    report: (observed) => reports.push(observed),
    log: quietLog,
    signal,
  });
  cluster.changed = (place) => reconciler.changed(place);
  if (begun) reconciler.begin();
  return {
    cluster,
    reconciler,
    counts,
    /** The reports since the last call. */
    told: () => reports.splice(0),
    stop() {
      stopping.abort();
      reconciler.stop();
    },
  };
}

/** What is desired of a sentinel by its number: `s1` at `fleet/snt-1`, and so on. */
export function desiredOf(number: number, given: MessageInitShape<typeof DesiredSentinelSchema> = {}) {
  return desiredSentinel({ sentinelId: `s${number}`, k8sName: `snt-${number}`, ...given });
}

/** Its next deploy, of this image. */
export function nextDeploy(number: number, deploy: number, image: string) {
  return desiredOf(number, { image, generation: BigInt(deploy), deployNumber: BigInt(deploy) });
}

export function placeOf(number: number) {
  return { namespace: "fleet", name: `snt-${number}` };
}
