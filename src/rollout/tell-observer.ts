import type { BeginDeployResult } from "./effects/begin-deploy.ts";
import type { BeginRevertResult } from "./effects/begin-revert.ts";
import type { BeginTargetResult } from "./effects/begin-target.ts";
import type { CompleteWaveResult } from "./effects/complete-wave.ts";
import type { FinishDeployResult } from "./effects/finish-deploy.ts";
import type { FinishRevertResult } from "./effects/finish-revert.ts";
import type { FinishTargetResult } from "./effects/finish-target.ts";
import { type DeployOutcome, type RolloutObserver, UNOBSERVED } from "./observer.ts";

/** What the results of committed effects mean to an observer; null: the effect missed. */
export interface ObservedEffects {
  completeWave(result: CompleteWaveResult | null): void;
  beginTarget(result: BeginTargetResult | null): void;
  finishTarget(result: FinishTargetResult | null): void;
  beginRevert(result: BeginRevertResult | null): void;
  finishRevert(result: FinishRevertResult | null): void;
  beginDeploy(result: BeginDeployResult | null): void;
  finishDeploy(result: FinishDeployResult | null): void;
}

type Told = Partial<Record<string, DeployOutcome>>;

const OF_TARGET: Told = { ready: "ready", failed: "failed", skipped: "skipped" };
const OF_REVERT: Told = { reverted: "ready", revert_failed: "failed" };
const OF_DEPLOY: Told = { ready: "ready", failed: "failed" };

/** For the `committed` of effects. */
export function tellObserver(observer: RolloutObserver = UNOBSERVED): ObservedEffects {
  const reverted = (result: { outcome: string } | null) => {
    const outcome = OF_REVERT[result?.outcome ?? ""];
    if (outcome) observer.deployEnded("rollback", outcome, undefined);
  };
  const deployed = (result: { outcome: string } | null) => {
    const outcome = OF_DEPLOY[result?.outcome ?? ""];
    if (outcome) observer.deployEnded("operator", outcome, undefined);
  };
  return {
    completeWave(result) {
      if (result && result.durationMs !== null) observer.waveEnded(result.durationMs);
    },
    beginTarget(result) {
      const outcome = result && !result.settled ? OF_TARGET[result.outcome] : undefined;
      if (outcome) observer.deployEnded("rollout", outcome, undefined);
    },
    finishTarget(result) {
      const outcome = OF_TARGET[result?.outcome ?? ""];
      if (result && result.durationMs !== null && outcome) observer.deployEnded("rollout", outcome, result.durationMs);
    },
    beginRevert: reverted,
    finishRevert: reverted,
    beginDeploy: deployed,
    finishDeploy: deployed,
  };
}
