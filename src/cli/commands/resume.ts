import { RolloutEventType } from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import type { ExitCode } from "../exit-codes.ts";
import { callDurably, operate } from "../operate.ts";
import { exitCodeOfOutcome, sayDetached, sayOutcome } from "../outcome.ts";
import { concernOf, type ConcernOptions } from "../concern.ts";
import type { Session } from "../session.ts";
import { type DetachedStart, startDetached } from "../start-detached.ts";

export interface ResumeOptions extends ConcernOptions {
  detach: boolean;
}

/** `hydra resume`: goes on with the next wave and draws the rollout to its outcome. */
export async function resume(session: Session, { rolloutId, detach }: ResumeOptions): Promise<ExitCode> {
  const start = {
    name: "rollout",
    call: (callOptions) => session.client.rollouts.resume(concernOf(rolloutId), callOptions),
    startedBy: RolloutEventType.ROLLOUT_RESUMED,
  } satisfies DetachedStart;
  if (detach) return startDetached(session, start);
  const answer = await operate(session, { ...start, continues: true, endState: ({ state }) => state });
  if (answer === undefined) return sayDetached(session, start.name);
  const { rollout } = await callDurably(
    (options) => session.client.rollouts.getRollout({ rolloutId: rolloutId ?? "" }, options),
    session.interrupted,
  );
  sayOutcome(session, answer.state, rollout?.id ?? "");
  return exitCodeOfOutcome(answer.state);
}
