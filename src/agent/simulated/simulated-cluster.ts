import { DeployFailureClass, type DesiredSentinel } from "../../gen/hydra/v1/cluster_pb.ts";
import { SentinelDesiredState, SentinelHealth } from "../../gen/hydra/v1/sentinel_pb.ts";
import type { DesiredState } from "../desired-stream.ts";
import type { Observed } from "../reporter.ts";
import { type ConvergeRange, convergeTimeMs } from "./converge-time.ts";
import type { SimulatedFailure } from "./failures.ts";
import { startTimetable } from "./timetable.ts";

// A cluster that exists in memory only.
//
//   F1. A sentinel that is seen for the first time runs what is desired of it,
//       or, where it is one that fails and has been deployed before, what it
//       was last reported to run: a restart of the simulation cures nobody.
//   F2. A sentinel that fails does so on every image but the one it runs, which
//       it keeps running: a rollback brings it back.
//   F3. At most one change of a sentinel is under way; a newer one replaces it.
//   F4. What is desired again, unchanged, causes no report.

export interface SimulatedClusterOptions {
  readonly convergeMs: ConvergeRange;
  readonly failures: ReadonlyMap<string, SimulatedFailure>;
  readonly seed: number;
  /** Gets what the cluster's agent would see. */
  report(observed: Observed): void;
  /** What hydra last saw a sentinel run; undefined where it does not know. */
  lastRunning(sentinelId: string): Promise<string | undefined>;
}

interface SimulatedSentinel {
  desired: DesiredSentinel;
  /** The image that its replicas run. */
  image: string;
  replicas: number;
  /** Order of its last report. */
  order: bigint;
}

/** What is desired of a sentinel, until something newer is. */
interface Change {
  readonly sentinel: SimulatedSentinel;
  readonly desired: DesiredSentinel;
}

/** The part of a report that the cluster itself decides. */
type Seen = Pick<Observed, "health" | "runningImage" | "availableReplicas" | "failureClass" | "reason">;

const NO_FAILURE: SimulatedFailure = { failureClass: DeployFailureClass.UNSPECIFIED, reason: "" };

export class SimulatedCluster implements DesiredState {
  readonly #options: SimulatedClusterOptions;
  readonly #sentinels = new Map<string, SimulatedSentinel>();
  // Later than every order of a run before this one, of which nothing else is remembered.
  readonly #firstOrder = BigInt(Date.now());
  readonly #underWay = new Set<() => void>();

  constructor(options: SimulatedClusterOptions) {
    this.#options = options;
  }

  async apply(sentinels: readonly DesiredSentinel[]): Promise<void> {
    const changes: Change[] = [];
    try {
      for (const desired of sentinels) {
        const known = this.#sentinels.get(desired.sentinelId);
        if (desired.deleted) this.#leave(desired);
        else if (!known) changes.push({ sentinel: await this.#meet(desired), desired });
        else if (isNews(desired, known.desired)) {
          known.desired = desired;
          changes.push({ sentinel: known, desired });
        }
      }
    } finally {
      // Where the server could not be asked about one, those before it are known by now, and would be no news again (F4).
      this.#start(changes);
    }
  }

  keepOnly(sentinelIds: ReadonlySet<string>): void {
    for (const sentinelId of this.#sentinels.keys()) {
      if (!sentinelIds.has(sentinelId)) this.#sentinels.delete(sentinelId);
    }
  }

  /** Stops everything that is under way. */
  stop(): void {
    for (const end of this.#underWay) end();
    this.#underWay.clear();
    this.#sentinels.clear();
  }

  async #meet(desired: DesiredSentinel): Promise<SimulatedSentinel> {
    const { sentinelId, image, desiredReplicas: replicas, deployNumber } = desired;
    const mayHaveFailed = deployNumber > 0n && this.#options.failures.has(sentinelId);
    const running = mayHaveFailed ? await this.#options.lastRunning(sentinelId) : undefined;
    const sentinel = { desired, image: running ?? image, replicas, order: this.#firstOrder };
    this.#sentinels.set(sentinelId, sentinel);
    return sentinel;
  }

  #start(changes: readonly Change[]): void {
    const appointments = changes.map((change) => ({ what: change, delayMs: this.#delayMs(change) }));
    for (const { what, delayMs } of appointments) if (delayMs === 0) this.#converge(what);
    const later = appointments.filter(({ delayMs }) => delayMs > 0);
    if (later.length === 0) return;
    const onEnd = () => this.#underWay.delete(end);
    const end = startTimetable(later, (change) => this.#converge(change), onEnd);
    this.#underWay.add(end);
  }

  /** What a sentinel runs when it is met needs no time. */
  #delayMs({ sentinel, desired }: Change): number {
    const { convergeMs, seed } = this.#options;
    const isMet = sentinel.order === this.#firstOrder && sentinel.image === desired.image;
    return isMet ? 0 : convergeTimeMs(convergeMs, seed, desired.sentinelId, desired.deployNumber);
  }

  /** The change has come to its end, good or bad. */
  #converge({ sentinel, desired }: Change): void {
    if (sentinel.desired !== desired || this.#sentinels.get(desired.sentinelId) !== sentinel) return;
    if (desired.desiredState !== SentinelDesiredState.RUNNING) return this.#report(sentinel, scaledDown(desired));
    const failure = desired.image === sentinel.image ? undefined : this.#options.failures.get(desired.sentinelId);
    if (!failure) {
      sentinel.image = desired.image;
      sentinel.replicas = desired.desiredReplicas;
    }
    this.#report(sentinel, {
      health: failure ? SentinelHealth.UNHEALTHY : SentinelHealth.HEALTHY,
      runningImage: sentinel.image,
      availableReplicas: sentinel.replicas,
      ...(failure ?? NO_FAILURE),
    });
  }

  #report(sentinel: SimulatedSentinel, seen: Seen): void {
    const { sentinelId, deployNumber, generation } = sentinel.desired;
    sentinel.order += 1n;
    this.#options.report({
      sentinelId,
      deployNumber,
      observedGeneration: generation,
      deploymentUid: `simulated-${sentinelId}`,
      reportOrder: sentinel.order,
      drift: "",
      takenFrom: "",
      ...seen,
    });
  }

  /** A sentinel that has moved within the region is told twice: its old place is gone, and where it is now. */
  #leave(place: DesiredSentinel): void {
    const known = this.#sentinels.get(place.sentinelId)?.desired;
    const isThere = known?.k8sNamespace === place.k8sNamespace && known.k8sName === place.k8sName;
    if (isThere) this.#sentinels.delete(place.sentinelId);
  }
}

function isNews(desired: DesiredSentinel, known: DesiredSentinel): boolean {
  return (
    desired.deployNumber !== known.deployNumber ||
    desired.generation !== known.generation ||
    desired.k8sNamespace !== known.k8sNamespace ||
    desired.k8sName !== known.k8sName
  );
}

function scaledDown({ desiredState }: DesiredSentinel): Seen {
  const archived = desiredState === SentinelDesiredState.ARCHIVED;
  const health = archived ? SentinelHealth.UNKNOWN : SentinelHealth.PAUSED;
  return { health, runningImage: "", availableReplicas: 0, ...NO_FAILURE };
}
