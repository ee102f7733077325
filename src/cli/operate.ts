// One long operation, drawn while it runs. The call tells how it ended, Watch only what to draw.
//   O1. The call carries one idempotency key for all its tries: after a lost connection the same operation is
//       asked for its answer, never a second one started.
//   O2. Ctrl-C ends the drawing and hangs up; the operation goes on in the server.

import { randomUUID } from "node:crypto";
import type { CallOptions } from "@connectrpc/connect";
import { IDEMPOTENCY_KEY_HEADER } from "../client/index.ts";
import type { SentinelRolloutState as State, WatchResponse } from "../gen/hydra/v1/sentinel_rollout_pb.ts";
import { createDisplay, type Display, isPicture } from "./drawing/display.ts";
import { isConnectionFailure } from "./failure.ts";
import { follow, stateOf } from "./watching/follow.ts";
import { Patience } from "./watching/patience.ts";
import type { Session } from "./session.ts";

/** How long the picture may lag behind the answer. */
const CATCH_UP_MS = 2_000;

export interface Operation<Answer> {
  /** It goes on with the rollout that is there; else it begins another one. */
  continues: boolean;
  call: (options: CallOptions) => Promise<Answer>;
  /** State of the rollout that an answer tells of. */
  endState: (answer: Answer) => State;
}

/**
 * Starts an operation and draws the rollout until it has ended.
 *
 * @returns undefined where Ctrl-C came first.
 * @throws ConnectError of a refusal, ConnectionLostError.
 */
export async function operate<Answer>(session: Session, operation: Operation<Answer>): Promise<Answer | undefined> {
  const over = new AbortController();
  const signal = AbortSignal.any([session.interrupted, over.signal]);
  const loading = createDisplay(session);
  const onAway = (forMs: number | undefined) => void loading.then((display) => display.away(forMs));
  const stream = follow(session.client, { signal, onAway, isPicture: isPicture(session) });
  // Shows that there is a server, and from where on events are ours to draw.
  const first = await stream.next();
  const display = await loading;
  const picture = new Picture(display);
  try {
    if (!first.done && operation.continues) display.show(first.value);
    const drawing = draw(stream, picture);
    const answered = callDurably(operation.call, signal);
    const answer = await Promise.race([answered, failureOf(drawing), untilAborted(session.interrupted)]);
    if (answer !== undefined) await picture.reach(operation.endState(answer), CATCH_UP_MS);
    return answer;
  } finally {
    over.abort();
    display.end();
  }
}

/** Makes a call and repeats it while the server is away. */
export async function callDurably<Answer>(
  call: (options: CallOptions) => Promise<Answer>,
  signal: AbortSignal,
): Promise<Answer> {
  const headers = { [IDEMPOTENCY_KEY_HEADER]: randomUUID() };
  const patience = new Patience();
  for (;;) {
    try {
      return await call({ headers, signal });
    } catch (error) {
      if (signal.aborted || !isConnectionFailure(error)) throw error;
      await patience.pause(error, signal);
    }
  }
}

/** What has been drawn of the operation so far. */
class Picture {
  readonly #display: Display;
  #state: State | undefined;
  #onChange: () => void = () => {};

  constructor(display: Display) {
    this.#display = display;
  }

  show(response: WatchResponse): void {
    this.#display.show(response);
    this.#state = stateOf(response) ?? this.#state;
    this.#onChange();
  }

  /** Resolves once the state has been drawn, or after a while. */
  reach(state: State, withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const alarm = setTimeout(resolve, withinMs);
      this.#onChange = () => {
        if (this.#state !== state) return;
        clearTimeout(alarm);
        resolve();
      };
      this.#onChange();
    });
  }
}

async function draw(stream: AsyncIterable<WatchResponse>, picture: Picture): Promise<void> {
  for await (const response of stream) picture.show(response);
}

/** Settles only where the promise fails. */
function failureOf(promise: Promise<unknown>): Promise<never> {
  return new Promise((_resolve, reject) => void promise.catch(reject));
}

function untilAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
