import type { DesiredSentinel } from "../../../gen/hydra/v1/cluster_pb.ts";
import { SentinelDesiredState } from "../../../gen/hydra/v1/sentinel_pb.ts";
import { type AppliedMark, isNews } from "../applying/news.ts";
import type { ClusterObjects } from "../objects.ts";
import { placeOf } from "./observed.ts";

const NOTHING: AppliedMark = { sentinelId: undefined, appliedGeneration: 0n, appliedDeploy: 0n };

/**
 * What has been applied to one sentinel, and so what would be news. The
 * Deployment itself says so, but not while a write is still to be heard of, nor
 * once somebody has deleted it.
 */
export class AppliedSoFar {
  readonly #objects: ClusterObjects;
  /** By a write that the cluster's objects do not show yet. */
  #unheard: AppliedMark | undefined;
  /** By all writes that were made or heard of, at this place. */
  #ever = NOTHING;

  constructor(objects: ClusterObjects) {
    this.#objects = objects;
  }

  /** The sentinel has got another place, in which nothing has been applied. */
  moved(): void {
    this.#unheard = undefined;
    this.#ever = NOTHING;
  }

  /** It has been written, or was so already. */
  wrote(desired: DesiredSentinel): void {
    this.#unheard = markOf(desired);
    this.#ever = this.#unheard;
  }

  /** The cluster's objects show what was written last. */
  heard(): void {
    this.#unheard = undefined;
  }

  isNews(desired: DesiredSentinel): boolean {
    const deployment = this.#objects.deployment(placeOf(desired));
    if (deployment?.sentinelId === desired.sentinelId) this.#ever = newer(this.#ever, deployment);
    if (desired.desiredState === SentinelDesiredState.ARCHIVED) {
      const isThere = deployment?.sentinelId === desired.sentinelId && !deployment.terminating;
      return isThere && (this.#unheard?.appliedGeneration ?? -1n) < desired.generation;
    }
    return isNews(desired, this.#unheard ?? deployment ?? newer(this.#ever, reported(desired)));
  }
}

function markOf({ sentinelId, generation, deployNumber }: DesiredSentinel): AppliedMark {
  return { sentinelId, appliedGeneration: generation, appliedDeploy: deployNumber };
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
