import { type Context, defineHandler, effectCall, type HandlerDefinition } from "../engine/index.ts";
import { abandonedDeploy, startDeployWait } from "./deploy-wait.ts";
import { beginTarget, type BeginTargetResult } from "./effects/begin-target.ts";
import { finishTarget, type FinishTargetResult } from "./effects/finish-target.ts";
import type { RolloutOptions } from "./options.ts";
import { DEPLOY_TARGET, type TargetCall, type TargetOutcome, targetOutcome } from "./target-calls.ts";
import { type ObservedEffects, tellObserver } from "./tell-observer.ts";

/**
 * One target's deploy. Its outcome is recorded in its own last commit, so that
 * it is there even where the rollout's driver has ended meanwhile (R9).
 */
export function deployTargetHandler(options: RolloutOptions): HandlerDefinition<TargetCall, TargetOutcome> {
  const told = tellObserver(options.observer);
  return defineHandler({
    ...DEPLOY_TARGET,
    kind: "exclusive",
    public: false,
    run: (ctx, call) => deployTarget(ctx, call, options, told),
    abandoned: (call, abandonment) =>
      effectCall(finishTarget, { ...call, ...abandonedDeploy(abandonment) }, told.finishTarget),
  });
}

async function deployTarget(
  ctx: Context,
  call: TargetCall,
  options: RolloutOptions,
  told: ObservedEffects,
): Promise<TargetOutcome> {
  const wait = startDeployWait(ctx, options.deployTimeoutMs);
  const begun = await ctx.tx(
    beginTarget,
    { ...call, invocation: ctx.invocationId, awakeable: wait.awakeable, supersededBy: ctx.supersededBy ?? null },
    { end: (result) => endOf(result, "deploying"), committed: told.beginTarget },
  );
  if (begun?.outcome !== "deploying") return reportFailure(ctx, options, call, begun, begun);
  const finished = await wait.settle<FinishTargetResult>((end) =>
    ctx.tx(
      finishTarget,
      { ...call, ...end },
      { end: (result) => endOf(result, "progressing"), committed: told.finishTarget },
    ),
  );
  return reportFailure(ctx, options, call, begun, finished);
}

/** Ends the invocation with the commit of the outcome; a failure goes on to be logged after it. */
function endOf(result: { outcome: string; reason: string } | null, unsettled: string) {
  if (!result || result.outcome === unsettled || result.outcome === "failed") return undefined;
  return { output: targetOutcome(result) };
}

function reportFailure(
  ctx: Context,
  { log }: RolloutOptions,
  { rolloutId, waveIndex }: TargetCall,
  begun: BeginTargetResult | null,
  settled: { outcome: string; reason: string } | null,
): TargetOutcome {
  // Without a result the rollout itself is gone: deleted by hand.
  if (!begun || !settled) return { outcome: "left" };
  const { sentinelId, image } = begun;
  if (!ctx.replaying) {
    const { requestId } = ctx;
    const { reason } = settled;
    log.warn({ requestId, rolloutId, wave: waveIndex, sentinelId, image, reason }, "sentinel deploy failed");
  }
  return targetOutcome(settled);
}
