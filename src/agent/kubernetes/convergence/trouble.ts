import { DeployFailureClass } from "../../../gen/hydra/v1/cluster_pb.ts";
import type { Failure } from "../objects.ts";

/** Bad news of a deploy. It fails by it once the news has lasted for the grace. */
export interface Trouble extends Failure {
  /** The cluster has waited already. */
  readonly atOnce?: boolean;
  /** Neither over nor to be seen right now, as a crash is while the container runs again. */
  readonly inBetween?: boolean;
}

/** What is told where there are several: the nearest to the cause. */
const FROM_CAUSE_TO_EFFECT = [
  DeployFailureClass.MISSING,
  DeployFailureClass.CONFLICT,
  DeployFailureClass.INVALID_CONFIG,
  DeployFailureClass.IMAGE_PULL,
  DeployFailureClass.CRASH_LOOP,
  DeployFailureClass.QUOTA,
  DeployFailureClass.FORBIDDEN,
  DeployFailureClass.REJECTED,
  DeployFailureClass.UNSCHEDULABLE,
  DeployFailureClass.PROGRESS_DEADLINE,
];

export function nearestToCause(troubles: readonly Trouble[]): Trouble | undefined {
  return FROM_CAUSE_TO_EFFECT.map((wanted) => troubles.find(({ failureClass }) => failureClass === wanted)).find(
    Boolean,
  );
}
