import { create } from "@bufbuild/protobuf";
import {
  RolloutTargetStatus,
  SentinelRolloutServiceRollbackAllResponseSchema,
  SentinelRolloutState as State,
} from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import { concernOf, type ConcernOptions } from "../concern.ts";
import { ExitCode } from "../exit-codes.ts";
import { toPlainText } from "../fit-text.ts";
import { jsonLine } from "../json-line.ts";
import { callDurably, operate } from "../operate.ts";
import { sayDetached } from "../outcome.ts";
import type { Session } from "../session.ts";
import { countOf } from "../words.ts";

const MAX_LISTED = 20;

/** `hydra rollback`: every sentinel that took the image goes back to what it ran before. An error if one did not. */
export async function rollback(session: Session, { rolloutId }: ConcernOptions): Promise<ExitCode> {
  const answer = await operate(session, {
    continues: true,
    call: (options) => session.client.rollouts.rollbackAll(concernOf(rolloutId), options),
    endState: () => State.CANCELLED,
  });
  if (answer === undefined) return sayDetached(session, "rollback");
  if (session.json) {
    const line = create(SentinelRolloutServiceRollbackAllResponseSchema, { reverted: answer.reverted });
    session.terminal.print(jsonLine(SentinelRolloutServiceRollbackAllResponseSchema, line));
  } else {
    session.terminal.print(`${countOf(answer.reverted, "sentinel")} put back on the previous image.`);
  }
  return sayWhatStayed(session, rolloutId);
}

async function sayWhatStayed({ client, terminal, interrupted }: Session, rolloutId = ""): Promise<ExitCode> {
  const request = { rolloutId, pageSize: MAX_LISTED, statuses: [RolloutTargetStatus.READY] };
  const { targets, nextPageToken } = await callDurably(
    (options) => client.rollouts.listRolloutTargets(request, options),
    interrupted,
  );
  if (targets.length === 0) return ExitCode.DONE;
  terminal.complain("These are still on the new image; `hydra rollback` once more tries them again:");
  for (const { sentinelId, reason } of targets) terminal.complain(`  ${sentinelId}  ${toPlainText(reason)}`);
  if (nextPageToken !== "") terminal.complain("  and others");
  return ExitCode.ERROR;
}
