import { SentinelRolloutState as State } from "../gen/hydra/v1/sentinel_rollout_pb.ts";

const ROLL_BACK = "  hydra rollback    put back what has the new image";

/**
 * What an operator can do about a rollout, a command and its effect on each line; empty where nothing waits for one.
 *
 * @param hasReady - some sentinels have the new image: there is something to put back. Default: true.
 */
export function nextSteps(state: State, hasReady = true): string[] {
  switch (state) {
    case State.PAUSED:
      return [
        "  hydra resume      go on; what failed stays failed",
        "  hydra cancel      end it here",
        ...(hasReady ? [ROLL_BACK] : []),
      ];
    case State.CANCELLED:
      return hasReady ? [ROLL_BACK] : [];
    default:
      return [];
  }
}
