import type { DesiredSentinel } from "../../../gen/hydra/v1/cluster_pb.ts";
import type { DesiredState } from "../../desired-stream.ts";
import type { Place } from "../objects.ts";
import { placeOf } from "./observed.ts";
import { SentinelInCluster } from "./sentinel.ts";
import type { Surroundings } from "./surroundings.ts";

// All sentinels of a cluster.
//
//   K8. Nothing is written or told before the cluster's objects are known.
//   K9. A full sync that lacks more than half of the sentinels known is taken for
//       a mistake (an empty or an older database): they are forgotten, and
//       nothing of theirs is removed.

export class Reconciler implements DesiredState {
  readonly #around: Surroundings;
  readonly #sentinels = new Map<string, SentinelInCluster>();
  readonly #byPlace = new Map<string, SentinelInCluster>();
  #hasBegun = false;
  #hasHeardAll = false;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  get size(): number {
    return this.#sentinels.size;
  }

  /** The cluster's objects are known and all that is desired has been heard once. */
  get isSynced(): boolean {
    return this.#hasBegun && this.#hasHeardAll;
  }

  /** The cluster's objects are known (K8). */
  begin(): void {
    this.#hasBegun = true;
    for (const sentinel of this.#sentinels.values()) sentinel.look();
  }

  apply(desired: readonly DesiredSentinel[]): void {
    for (const one of desired) {
      const sentinel = this.#sentinelOf(one.sentinelId);
      const before = sentinel.place;
      if (one.deleted) sentinel.leave(placeOf(one));
      else sentinel.want(one);
      this.#moved(sentinel, before);
      this.#look(sentinel);
    }
  }

  keepOnly(sentinelIds: ReadonlySet<string>): void {
    this.#hasHeardAll = true;
    const lost = [...this.#sentinels].filter(([id, { place }]) => place && !sentinelIds.has(id));
    const isMistake = lost.length * 2 > this.#sentinels.size;
    if (isMistake) this.#tellMistake(lost.map(([id]) => id));
    for (const [, sentinel] of lost) {
      const before = sentinel.place;
      if (isMistake || !before) sentinel.forget();
      else sentinel.leave(before);
      this.#moved(sentinel, before);
      this.#look(sentinel);
    }
    this.#resync();
  }

  isInDoubt(): boolean {
    return [...this.#sentinels.values()].some((sentinel) => sentinel.isInDoubt);
  }

  /** The watch has heard of a change of a Deployment or of what belongs to it. */
  changed(place: Place): void {
    if (this.#hasBegun) this.#byPlace.get(keyOf(place))?.look();
  }

  /** Nothing more is begun. */
  stop(): void {
    for (const sentinel of this.#sentinels.values()) sentinel.stop();
  }

  /** Tells everything anew. */
  #resync(): void {
    for (const sentinel of this.#sentinels.values()) {
      sentinel.resync();
      this.#look(sentinel);
    }
  }

  #sentinelOf(id: string): SentinelInCluster {
    const known = this.#sentinels.get(id);
    if (known) return known;
    const sentinel = new SentinelInCluster(id, this.#around, () => this.#sentinels.delete(id));
    this.#sentinels.set(id, sentinel);
    return sentinel;
  }

  #moved(sentinel: SentinelInCluster, before: Place | undefined): void {
    if (before && this.#byPlace.get(keyOf(before)) === sentinel) this.#byPlace.delete(keyOf(before));
    if (sentinel.place) this.#byPlace.set(keyOf(sentinel.place), sentinel);
  }

  #look(sentinel: SentinelInCluster): void {
    if (this.#hasBegun) sentinel.look();
  }

  #tellMistake(sentinelIds: readonly string[]): void {
    this.#around.log.error(
      { sentinels: sentinelIds.length, of: this.#sentinels.size, examples: sentinelIds.slice(0, 5) },
      "hydra does not know most of its sentinels any more: their objects are left as they are",
    );
  }
}

/** No name of Kubernetes has a slash. */
function keyOf({ namespace, name }: Place): string {
  return `${namespace}/${name}`;
}
