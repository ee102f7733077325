import type { Sentinel } from "../../../gen/hydra/v1/sentinel_pb.ts";
import { type FoundDeployment, placeText } from "./found-deployments.ts";

/** Where a sentinel is. */
export type KnownSentinel = Pick<Sentinel, "id" | "regionId" | "k8sNamespace" | "k8sName">;

/** The sentinels that hydra has, by id and by place. */
export class KnownSentinels {
  readonly #byId = new Map<string, KnownSentinel>();
  readonly #byPlace = new Map<string, KnownSentinel>();

  add({ id, regionId, k8sNamespace, k8sName }: KnownSentinel): void {
    const sentinel = { id, regionId, k8sNamespace, k8sName };
    this.#byId.set(id, sentinel);
    this.#byPlace.set(placeIn(regionId, { namespace: k8sNamespace, name: k8sName }), sentinel);
  }

  withId(id: string): KnownSentinel | undefined {
    return this.#byId.get(id);
  }

  /** The one that this Deployment is in one of the regions, of which the first counts most. */
  at(place: Pick<FoundDeployment, "namespace" | "name">, regionIds: readonly string[]): KnownSentinel | undefined {
    for (const regionId of regionIds) {
      const sentinel = this.#byPlace.get(placeIn(regionId, place));
      if (sentinel !== undefined) return sentinel;
    }
    return undefined;
  }
}

/** Neither a namespace nor a name has a blank. */
function placeIn(regionId: string, place: Pick<FoundDeployment, "namespace" | "name">): string {
  return `${placeText(place)} ${regionId}`;
}
