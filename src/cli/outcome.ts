import { create } from "@bufbuild/protobuf";
import {
  SentinelRolloutServiceRolloutResponseSchema,
  SentinelRolloutState as State,
} from "../gen/hydra/v1/sentinel_rollout_pb.ts";
import { ExitCode } from "./exit-codes.ts";
import { jsonLine } from "./json-line.ts";
import { nextSteps } from "./next-steps.ts";
import type { Session } from "./session.ts";

/** Exit code of a command that ends with a rollout's outcome. */
export function exitCodeOfOutcome(state: State): ExitCode {
  switch (state) {
    case State.COMPLETED:
      return ExitCode.DONE;
    case State.PAUSED:
      return ExitCode.PAUSED;
    case State.CANCELLED:
      return ExitCode.CANCELLED;
    default:
      return ExitCode.ERROR;
  }
}

/** The last lines of a command that ends with a rollout's state: how it ended and what can be done next. */
export function sayOutcome({ terminal, json }: Session, state: State, rolloutId: string): void {
  if (json) {
    const answer = create(SentinelRolloutServiceRolloutResponseSchema, { state, rolloutId });
    terminal.print(jsonLine(SentinelRolloutServiceRolloutResponseSchema, answer));
  } else {
    if (terminal.live) terminal.print("");
    for (const line of outcomeLines(state, rolloutId)) terminal.print(line);
  }
}

function outcomeLines(state: State, rolloutId: string): string[] {
  switch (state) {
    case State.COMPLETED:
      return [`Rollout ${rolloutId} is completed.`];
    case State.PAUSED:
      return [`Rollout ${rolloutId} is paused. What next is yours to say:`, ...nextSteps(state)];
    case State.CANCELLED:
      return [`Rollout ${rolloutId} is cancelled. To put back what has the new image: hydra rollback`];
    default:
      return [`Rollout ${rolloutId} has started. Look at it: hydra watch; end it: hydra cancel`];
  }
}

/** What goes on in the server after its command has ended. */
export type Ongoing = "rollout" | "rollback";

/** After Ctrl-C. */
export function sayDetached({ terminal }: Session, ongoing: Ongoing): ExitCode {
  // A rollback runs to its end.
  const end = ongoing === "rollout" ? "; end it: hydra cancel" : "";
  if (terminal.live) terminal.print("");
  terminal.complain(`The ${ongoing} goes on in the server. See it: hydra watch${end}`);
  return ExitCode.INTERRUPTED;
}
