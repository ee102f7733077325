import { SentinelRolloutState as State } from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import { createDisplay, isPicture } from "../drawing/display.ts";
import { ExitCode } from "../exit-codes.ts";
import { followToTheEnd, stateOf } from "../watching/follow.ts";
import { exitCodeOfOutcome, sayDetached } from "../outcome.ts";
import type { Session } from "../session.ts";

export interface WatchOptions {
  /** Undefined: the latest, or the first one that starts. */
  rolloutId: string | undefined;
  /** Begin after this event; undefined: with how it stands. */
  after: bigint | undefined;
  /** What `after` was told with. */
  epoch: string | undefined;
  /** What ends it besides the rollout's end. */
  until: "ended" | "paused";
  /** Go on with later rollouts. */
  all: boolean;
}

/** `hydra watch`: draws a rollout until it has ended, and ends with its outcome. */
export async function watch(session: Session, options: WatchOptions): Promise<ExitCode> {
  const over = new AbortController();
  const signal = AbortSignal.any([session.interrupted, over.signal]);
  const { rolloutId, after: afterSequence, epoch, all } = options;
  // Loaded while the server answers: it shows nothing before that.
  const loading = createDisplay(session, { hints: true });
  const onAway = (forMs: number | undefined) => void loading.then((display) => display.away(forMs));
  const shown = { rolloutId, afterSequence, epoch, all, isPicture: isPicture(session) };
  const stream = followToTheEnd(session.client, { ...shown, signal, onAway });
  // An error of the first message is told before anything is drawn.
  const first = await stream.next();
  const display = await loading;
  let state: State | undefined;
  try {
    for (let next = first; !next.done; next = await stream.next()) {
      display.show(next.value);
      state = stateOf(next.value) ?? state;
      if (options.until === "paused" && state === State.PAUSED) break;
    }
  } finally {
    over.abort();
    display.end();
  }
  if (session.interrupted.aborted) return sayLeft(session, state);
  return exitCodeOfOutcome(state ?? (await stateNow(session, rolloutId)));
}

/** After Ctrl-C: who only watched has stopped nothing. */
function sayLeft(session: Session, state: State | undefined): ExitCode {
  if (state === State.IN_PROGRESS) return sayDetached(session, "rollout");
  if (state === State.ROLLING_BACK) return sayDetached(session, "rollback");
  return ExitCode.INTERRUPTED;
}

/** For a watch from the very last event on: there was nothing to tell. */
async function stateNow({ client }: Session, rolloutId = ""): Promise<State> {
  const { rollout } = await client.rollouts.getRollout({ rolloutId });
  return rollout?.state ?? State.UNSPECIFIED;
}
