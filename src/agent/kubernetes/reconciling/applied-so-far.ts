import type { DesiredSentinel } from "../../../gen/hydra/v1/cluster_pb.ts";
import { SentinelDesiredState } from "../../../gen/hydra/v1/sentinel_pb.ts";
import { type AppliedMark, configurationOf, contradicts, isNews, isSameMark } from "../applying/news.ts";
import type { ClusterObjects, DeploymentView, Place } from "../objects.ts";
import { isSamePlace } from "./desires.ts";
import { placeOf } from "./observed.ts";

/** How many full syncs must have ended since a contradiction was seen: the last of them was asked for after that (N3). */
const SYNCS = 2;

const NOTHING: AppliedMark = { sentinelId: undefined, appliedGeneration: 0n, appliedDeploy: 0n };

/**
 * What has been applied to one sentinel at its place, and so what would be news.
 * The Deployment itself says so, but not while a write is still to be heard of,
 * nor once somebody has deleted it or given it to another sentinel.
 */
export class AppliedSoFar {
  readonly #objects: ClusterObjects;
  /** By a write that the cluster's objects do not show yet. */
  #unheard: AppliedMark | undefined;
  /** By all writes that were made or heard of. */
  #ever = NOTHING;
  #place: Place | undefined;
  /** Of the Deployment that hydra has let go of; the cluster's objects may still show it. */
  #removedUid: string | undefined;
  /** What has been applied, if it cannot have come before what is desired (N2), and how many full syncs ago. */
  #contradiction: { readonly mark: AppliedMark; readonly syncs: number } | undefined;

  constructor(objects: ClusterObjects) {
    this.#objects = objects;
  }

  /** What hydra had at this place has been removed. */
  removed(place: Place): void {
    this.#forget();
    this.#place = place;
    this.#removedUid = this.#objects.deployment(place)?.uid;
  }

  /** It has been written, or was so already. */
  wrote(desired: DesiredSentinel): void {
    this.#at(placeOf(desired));
    this.#unheard = markOf(desired);
    this.#ever = this.#unheard;
    this.#removedUid = undefined;
  }

  /** The cluster's objects show what was written last. */
  heard(): void {
    this.#unheard = undefined;
  }

  /** A full sync has ended: what is desired is what hydra said then, or later. */
  synced(): void {
    const { mark, syncs } = this.#contradiction ?? {};
    if (mark !== undefined && syncs !== undefined) this.#contradiction = { mark, syncs: syncs + 1 };
  }

  /** What is desired and what was applied contradict each other, and which of the two is old is yet to be heard (N2). */
  get isInDoubt(): boolean {
    return this.#contradiction !== undefined && this.#contradiction.syncs < SYNCS;
  }

  /** What has been applied counts for nothing (N3); undefined: it counts. */
  get disbelieved(): AppliedMark | undefined {
    return this.isInDoubt ? undefined : this.#contradiction?.mark;
  }

  isNews(desired: DesiredSentinel): boolean {
    this.#at(placeOf(desired));
    const deployment = this.#deploymentOf(desired);
    if (deployment && !this.#unheard) this.#ever = newer(this.#ever, deployment);
    if (desired.desiredState === SentinelDesiredState.ARCHIVED) {
      // What is removed need not be understood.
      this.#contradiction = undefined;
      const isThere = deployment !== undefined && !deployment.terminating;
      return isThere && (this.#unheard?.appliedGeneration ?? -1n) < desired.generation;
    }
    const applied = this.#unheard ?? deployment ?? newer(this.#ever, reported(desired));
    this.#compare(desired, applied);
    // What hydra has had a report on before is no wish of now: an old database must not roll a fleet back.
    if (this.#contradiction) return !this.isInDoubt && isNews(desired, reported(desired));
    return isNews(desired, applied);
  }

  /** Its own. */
  #deploymentOf(desired: DesiredSentinel): DeploymentView | undefined {
    const deployment = this.#objects.deployment(placeOf(desired));
    const isOwn = deployment?.sentinelId === desired.sentinelId && deployment.uid !== this.#removedUid;
    return isOwn ? deployment : undefined;
  }

  /** At another place than before nothing has been applied. */
  #at(place: Place): void {
    if (this.#place && !isSamePlace(this.#place, place)) this.#forget();
    this.#place = place;
  }

  #forget(): void {
    this.#unheard = undefined;
    this.#ever = NOTHING;
    this.#contradiction = undefined;
    this.#removedUid = undefined;
  }

  #compare(desired: DesiredSentinel, applied: AppliedMark): void {
    if (!contradicts(desired, applied)) this.#contradiction = undefined;
    else if (!this.#contradiction || !isSameMark(this.#contradiction.mark, applied)) {
      this.#contradiction = { mark: applied, syncs: 0 };
    }
  }
}

function markOf(desired: DesiredSentinel): AppliedMark {
  const { sentinelId, generation, deployNumber } = desired;
  return {
    sentinelId,
    appliedGeneration: generation,
    appliedDeploy: deployNumber,
    appliedConfiguration: configurationOf(desired),
  };
}

/** By any agent before this one. */
function reported({ sentinelId, observedGeneration, observedDeployNumber }: DesiredSentinel): AppliedMark {
  return { sentinelId, appliedGeneration: observedGeneration, appliedDeploy: observedDeployNumber };
}

function newer(one: AppliedMark, other: AppliedMark): AppliedMark {
  return {
    sentinelId: other.sentinelId,
    appliedGeneration: greater(one.appliedGeneration, other.appliedGeneration),
    appliedDeploy: greater(one.appliedDeploy, other.appliedDeploy),
  };
}

function greater(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}
