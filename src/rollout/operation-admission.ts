import { type Acceptance, type Arrival, type Effect, effectCall, TerminalError } from "../engine/index.ts";
import { foundRollout, type OperateRolloutResult, type OperateRolloutRow } from "./effects/operate-rollout.ts";
import { operationRefusal, type RolloutOperation } from "./phase.ts";

/** The admission of an operation on the latest rollout: it happens at the door, or is refused there (R1, R2). */
export function admitOperation<Request extends { rolloutId?: string | undefined }>(
  operation: RolloutOperation,
  effect: Effect<OperateRolloutRow, OperateRolloutResult>,
) {
  return (request: Request, { invocationId }: Arrival): Acceptance<Request> => {
    // Empty, as of a shell's unset variable, means what it means in queries: the latest.
    const expectedId = request.rolloutId || undefined;
    const judge = (result: unknown) => {
      const refusal = operationRefusal(operation, foundRollout(result as OperateRolloutResult | null), expectedId);
      return refusal === undefined ? undefined : new TerminalError(refusal, "conflict");
    };
    const call = effectCall(effect, { expectedId: expectedId ?? null, invocation: invocationId });
    return { admission: { call, judge } };
  };
}
