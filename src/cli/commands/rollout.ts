import { RolloutEventType } from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import type { ExitCode } from "../exit-codes.ts";
import { operate } from "../operate.ts";
import { exitCodeOfOutcome, sayDetached, sayOutcome } from "../outcome.ts";
import type { Session } from "../session.ts";
import { type DetachedStart, startDetached } from "../start-detached.ts";

export interface RolloutOptions {
  image: string;
  /** Undefined: the server's default. */
  waves: number[] | undefined;
  /** Undefined: the server's default. */
  slackWebhookUrl: string | undefined;
  detach: boolean;
}

/** `hydra rollout`: starts one and, unless detached, draws it to its outcome. */
export async function rollout(session: Session, options: RolloutOptions): Promise<ExitCode> {
  const { image, waves = [], slackWebhookUrl = "", detach } = options;
  const request = { image, wavePercentages: waves, slackWebhookUrl };
  const start = {
    name: "rollout",
    call: (callOptions) => session.client.rollouts.rollout(request, callOptions),
    startedBy: RolloutEventType.ROLLOUT_STARTED,
  } satisfies DetachedStart;
  if (detach) return startDetached(session, start);
  const answer = await operate(session, { ...start, continues: false, endState: ({ state }) => state });
  if (answer === undefined) return sayDetached(session, start.name);
  sayOutcome(session, answer.state, answer.rolloutId);
  return exitCodeOfOutcome(answer.state);
}
