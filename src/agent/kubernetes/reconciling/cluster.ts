import type { Applier } from "../applier.ts";
import type { ClusterObjects, Place } from "../objects.ts";

/** A cluster as the loop sees it: what was heard of it, and how to write to it. */
export interface Cluster {
  readonly objects: ClusterObjects;
  readonly applier: Applier;
  /** Resolves once `objects` has what was written as this version of a Deployment. */
  upToDate(resourceVersion: bigint, signal: AbortSignal): Promise<void>;
  /**
   * Is there a Deployment, with or without hydra's label? Costs a request.
   *
   * @throws KubeError
   */
  exists(place: Place, signal: AbortSignal): Promise<boolean>;
}
