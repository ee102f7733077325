import { create } from "@bufbuild/protobuf";
import { CancelledError, type Context, effectCall, type HandlerDefinition } from "../engine/index.ts";
import {
  SentinelRolloutService,
  type SentinelRolloutServiceRollbackAllRequest,
  type SentinelRolloutServiceRollbackAllResponse,
  SentinelRolloutServiceRollbackAllResponseSchema,
} from "../gen/hydra/v1/sentinel_rollout_pb.ts";
import { giveUp } from "./drive-rollout.ts";
import { abandonRollout } from "./effects/abandon-rollout.ts";
import { completeRollback } from "./effects/complete-rollback.ts";
import { listReverts, type ListRevertsResult } from "./effects/list-reverts.ts";
import { startRollback } from "./effects/operate-rollout.ts";
import { admitOperation } from "./operation-admission.ts";
import { protoHandler } from "./proto-handler.ts";
import { REVERT_TARGET } from "./target-calls.ts";

/** RollbackAll: makes the latest rollout its own, then reverts all that took the image. */
export function rollbackAllHandler(): HandlerDefinition<
  SentinelRolloutServiceRollbackAllRequest,
  SentinelRolloutServiceRollbackAllResponse
> {
  return protoHandler(SentinelRolloutService.method.rollbackAll, {
    accept: admitOperation("rollback", startRollback),
    run: rollbackAll,
    abandoned: (_request, { invocationId, reason }) => effectCall(abandonRollout, { driver: invocationId, reason }),
  });
}

async function rollbackAll(ctx: Context): Promise<SentinelRolloutServiceRollbackAllResponse> {
  const driver = ctx.invocationId;
  try {
    const listed = await ctx.tx(listReverts, { driver });
    if (!listed?.ours) return answer(0);
    await ctx.fanOut(REVERT_TARGET, revertCalls(listed, driver));
    const done = await ctx.tx(
      completeRollback,
      { driver, revertedBefore: listed.revertedBefore },
      { end: (result) => (result ? { output: answer(result.reverted) } : undefined) },
    );
    return answer(done?.reverted ?? 0);
  } catch (error) {
    if (error instanceof CancelledError) return await giveUp(ctx, () => answer(0));
    throw error;
  }
}

function revertCalls({ rolloutId, targets }: ListRevertsResult, driver: string) {
  return (targets ?? []).map(([target, sentinelId, waveIndex]) => ({
    key: sentinelId,
    input: { rolloutId, driver, target, waveIndex },
  }));
}

function answer(reverted: number): SentinelRolloutServiceRollbackAllResponse {
  return create(SentinelRolloutServiceRollbackAllResponseSchema, { reverted });
}
