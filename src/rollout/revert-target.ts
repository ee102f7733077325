import { type Context, defineHandler, effectCall, type HandlerDefinition } from "../engine/index.ts";
import { abandonedDeploy, startDeployWait } from "./deploy-wait.ts";
import { beginRevert } from "./effects/begin-revert.ts";
import { finishRevert, type FinishRevertResult } from "./effects/finish-revert.ts";
import type { RolloutOptions } from "./options.ts";
import { REVERT_TARGET, type TargetCall, type TargetOutcome, targetOutcome } from "./target-calls.ts";
import { type ObservedEffects, tellObserver } from "./tell-observer.ts";

/**
 * Puts one target back on its previous image. It holds the sentinel's key, so a
 * deploy that was in flight has its outcome before this one looks.
 */
export function revertTargetHandler(options: RolloutOptions): HandlerDefinition<TargetCall, TargetOutcome> {
  const told = tellObserver(options.observer);
  return defineHandler({
    ...REVERT_TARGET,
    kind: "exclusive",
    public: false,
    run: (ctx, call) => revertTarget(ctx, call, options, told),
    abandoned: ({ rolloutId, target, waveIndex }, abandonment) =>
      effectCall(finishRevert, { rolloutId, target, waveIndex, ...abandonedDeploy(abandonment) }, told.finishRevert),
  });
}

async function revertTarget(
  ctx: Context,
  call: TargetCall,
  options: RolloutOptions,
  told: ObservedEffects,
): Promise<TargetOutcome> {
  const { rolloutId, target, waveIndex } = call;
  const wait = startDeployWait(ctx, options.deployTimeoutMs);
  const begun = await ctx.tx(
    beginRevert,
    { ...call, invocation: ctx.invocationId, awakeable: wait.awakeable, supersededBy: ctx.supersededBy ?? null },
    { end: (result) => endOf(result, "reverting"), committed: told.beginRevert },
  );
  // Without a result the rollout itself is gone: deleted by hand.
  if (!begun) return { outcome: "left" };
  const finished = await wait.settle<FinishRevertResult>((end) =>
    ctx.tx(
      finishRevert,
      { rolloutId, target, waveIndex, ...end },
      { end: (result) => endOf(result, "progressing"), committed: told.finishRevert },
    ),
  );
  return finished ? targetOutcome(finished) : { outcome: "left" };
}

function endOf(result: { outcome: string; reason: string } | null, unsettled: string) {
  return result && result.outcome !== unsettled ? { output: targetOutcome(result) } : undefined;
}
