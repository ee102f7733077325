import { RolloutSchema } from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import { concernOf, type ConcernOptions } from "../concern.ts";
import { ExitCode } from "../exit-codes.ts";
import { jsonLine } from "../json-line.ts";
import { callDurably } from "../operate.ts";
import type { Session } from "../session.ts";
import { countOf } from "../words.ts";

/** `hydra cancel`: no further deploy starts; those in flight run to their end. */
export async function cancel(session: Session, { rolloutId }: ConcernOptions): Promise<ExitCode> {
  const { client, terminal, interrupted } = session;
  // No server at all: say so at once instead of trying for a while.
  await client.rollouts.getRollout({}, { signal: interrupted });
  await callDurably((options) => client.rollouts.cancel(concernOf(rolloutId), options), interrupted);
  const { rollout } = await callDurably(
    (options) => client.rollouts.getRollout({ rolloutId: rolloutId ?? "" }, options),
    interrupted,
  );
  if (rollout === undefined) return ExitCode.DONE;
  if (session.json) {
    terminal.print(jsonLine(RolloutSchema, rollout));
    return ExitCode.DONE;
  }
  const inFlight =
    rollout.inFlight > 0 ? ` ${countOf(rollout.inFlight, "deploy")} in flight will still run to the end.` : "";
  terminal.print(`Rollout ${rollout.id} is cancelled.${inFlight} Put back what it changed: hydra rollback`);
  return ExitCode.DONE;
}
