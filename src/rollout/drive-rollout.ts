import { CancelledError, type Context } from "../engine/index.ts";
import { abandonRollout } from "./effects/abandon-rollout.ts";
import { completeWave } from "./effects/complete-wave.ts";
import { insertWaves } from "./effects/insert-waves.ts";
import { type DriverResult, listTargets, type ListTargetsResult } from "./effects/list-targets.ts";
import { startWave, type StartWaveResult } from "./effects/start-wave.ts";
import type { RolloutOptions } from "./options.ts";
import { type RolloutStateName, stateForLostDriver } from "./phase.ts";
import { DEPLOY_TARGET } from "./target-calls.ts";
import { tellObserver } from "./tell-observer.ts";
import { planWaves } from "./waves.ts";

/** Where a rollout stood when its driver was done with it. */
export interface Driven {
  readonly rolloutId: string;
  readonly state: RolloutStateName;
}

/** A driver: how it tells its caller of the end, and what it logs. */
export interface Driver<Output> {
  readonly options: RolloutOptions;
  answer(driven: Driven): Output;
  onListed?(listed: ListTargetsResult): void;
}

/**
 * Drives a rollout from where it stands until it is completed, paused or
 * cancelled. Every step is conditional on still being its driver (R4), and the
 * last one commits together with the end of the invocation.
 */
export async function driveRollout<Output>(ctx: Context, driver: Driver<Output>): Promise<Output> {
  try {
    return await driveWaves(ctx, driver);
  } catch (error) {
    if (error instanceof CancelledError) return await giveUp(ctx, driver.answer);
    throw error;
  }
}

/** The end of a driver whose invocation was cancelled: by Cancel, which has ended the rollout, or by an operator. */
export async function giveUp<Output>(ctx: Context, answer: (driven: Driven) => Output): Promise<Output> {
  const reason = "its invocation was cancelled";
  const answerTo = (left: Driven | null) => answer(lost(left ?? GONE));
  const row = { driver: ctx.invocationId, reason };
  return answerTo(await ctx.tx(abandonRollout, row, { end: (left) => ({ output: answerTo(left) }) }));
}

async function driveWaves<Output>(ctx: Context, { options, answer, onListed }: Driver<Output>): Promise<Output> {
  const driver = ctx.invocationId;
  const end = endIfOver(answer);
  const committed = tellObserver(options.observer).completeWave;
  const listed = await ctx.tx(listTargets, { driver }, { end });
  if (!listed) return answer(GONE);
  if (!ctx.replaying) onListed?.(listed);
  await ctx.tx(insertWaves, { driver, waves: planWaves(listed.total, listed.percentages) }, { end });
  for (;;) {
    const wave = await ctx.tx(startWave, { driver }, { end });
    if (!wave || wave.waveIndex === null) return answer(GONE);
    if (!ctx.replaying) logWave(options, ctx.requestId, wave);
    await ctx.fanOut(DEPLOY_TARGET, targetCalls(wave, driver));
    await ctx.tx(completeWave, { driver, waveIndex: wave.waveIndex }, { end, committed });
  }
}

function targetCalls({ rolloutId, waveIndex, targets }: StartWaveResult, driver: string) {
  return (targets ?? []).map(([target, sentinelId]) => ({
    key: sentinelId,
    input: { rolloutId, driver, target, waveIndex: waveIndex ?? 0 },
  }));
}

/** Ends the invocation in the commit of a step after which there is nothing left to drive. */
function endIfOver<Output>(answer: (driven: Driven) => Output) {
  return (result: DriverResult | null) => {
    if (result && !result.ours) return { output: answer(lost(result)) };
    return result && result.state !== "in_progress" ? { output: answer(result) } : undefined;
  };
}

function lost({ rolloutId, state }: Driven): Driven {
  return { rolloutId, state: stateForLostDriver(state) };
}

// A rollout that was deleted by hand under its driver.
const GONE: Driven = { rolloutId: "", state: "cancelled" };

function logWave({ log }: RolloutOptions, requestId: string | undefined, wave: StartWaveResult): void {
  const { rolloutId, image, waveIndex, size } = wave;
  log.info({ requestId, rolloutId, wave: waveIndex, image, size }, "starting wave");
}
