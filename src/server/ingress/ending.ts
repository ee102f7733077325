import { errorOfFailure } from "../connect-errors.ts";
import type { Ending } from "../invocations.ts";
import type { Answer } from "../send.ts";
import { failureAnswer, outputAnswer } from "./answer.ts";
import { ingressFailure } from "./failure.ts";

/** Tells of an invocation's end; until when it is kept, where it had ended before. */
export function endingAnswer(invocationId: string, { outcome, ended }: Ending, retentionMs: number): Answer {
  const expiresAt = ended === "before" ? new Date(outcome.completedAt.getTime() + retentionMs) : undefined;
  if (outcome.ok) return outputAnswer(invocationId, outcome.output, expiresAt);
  return failureAnswer(ingressFailure(errorOfFailure(outcome), "invocation", invocationId), expiresAt);
}
