import type { DesiredSentinel } from "../../gen/hydra/v1/cluster_pb.ts";
import type { AppliedMark } from "./applying/news.ts";
import type { DeploymentView, Failure, Place } from "./objects.ts";

/** How applying a sentinel ended. */
export type Applied =
  /** The cluster has it. `deployment` as the API server answered; undefined: archived, or there is nothing. */
  | { readonly kind: "applied"; readonly deployment: DeploymentView | undefined }
  /** Nothing was written: the cluster refused it, or a field belongs to somebody else. Trying again alone changes nothing. */
  | { readonly kind: "refused"; readonly deployment: DeploymentView | undefined; readonly failure: Failure };

/** Writes what is desired to the cluster. One call per sentinel at a time. */
export interface Applier {
  /**
   * Applies what is new for this sentinel. Looks first, so that what is so
   * already is not written.
   *
   * @param disbelieved What the Deployment says has been applied, if exactly that
   *   counts for nothing (N3).
   * @throws KubeError on trouble that passes; call again.
   */
  apply(desired: DesiredSentinel, signal: AbortSignal, disbelieved?: AppliedMark): Promise<Applied>;
  /**
   * The sentinel has left this place: removes what hydra created there, takes
   * hydra's label and annotations off what it did not.
   *
   * @throws KubeError on trouble that passes; call again.
   */
  remove(sentinelId: string, place: Place, signal: AbortSignal): Promise<void>;
}
