import type { CallOptions } from "@connectrpc/connect";
import {
  type RolloutEvent,
  type RolloutEventType,
  SentinelRolloutState as State,
} from "../gen/hydra/v1/sentinel_rollout_pb.ts";
import { ExitCode } from "./exit-codes.ts";
import { follow } from "./watching/follow.ts";
import { callDurably } from "./operate.ts";
import { type Ongoing, sayDetached, sayOutcome } from "./outcome.ts";
import type { Session } from "./session.ts";

export interface DetachedStart {
  /** Named to a person who interrupts it. */
  name: Ongoing;
  call: (options: CallOptions) => Promise<{ state: State }>;
  /** Tells that the operation is stored: it goes on by itself from there. */
  startedBy: RolloutEventType;
}

/** The start that is seen may be somebody else's: then the refusal of ours is on its way. */
const GRACE_MS = 150;

/** Starts an operation and hangs up as soon as it has started. */
export async function startDetached(session: Session, start: DetachedStart): Promise<ExitCode> {
  const over = new AbortController();
  const signal = AbortSignal.any([session.interrupted, over.signal]);
  const stream = follow(session.client, { signal });
  try {
    // From here on every start is seen.
    await stream.next();
    const answered = callDurably(start.call, signal);
    const seen = firstOf(stream, start.startedBy);
    await Promise.race([answered, seen]);
    const answer = await Promise.race([answered, afterGrace()]);
    const event = await seen;
    if (event === undefined) return sayDetached(session, start.name);
    sayOutcome(session, answer?.state ?? State.IN_PROGRESS, event.rolloutId);
    return ExitCode.DONE;
  } finally {
    over.abort();
  }
}

function afterGrace(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, GRACE_MS, undefined));
}

async function firstOf(stream: ReturnType<typeof follow>, type: RolloutEventType): Promise<RolloutEvent | undefined> {
  for await (const { message } of stream) {
    if (message.case === "event" && message.value.type === type) return message.value;
  }
  return undefined;
}
