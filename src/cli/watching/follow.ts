// Follows a Watch across cut connections.
//   F1. After the first message a cut is not seen by the reader: the stream goes on after the last event or snapshot
//       that it was given, so none is missing and none comes twice.
//   F2. Before the first message an error is the caller's: there may be no server at all.
//   F3. A stream that has gone silent, without even a heartbeat, counts as cut.
//   F4. The position is sent with its epoch: where the server's database was put back meanwhile, a snapshot says so.

import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import type { HydraClient, RolloutEvent, WatchResponse } from "../../client/index.ts";
import { RolloutEventType, type SentinelRolloutState as State } from "../../gen/hydra/v1/sentinel_rollout_pb.ts";
import { Patience, type PatienceOptions } from "./patience.ts";
import { forPicture } from "./skim.ts";

export interface FollowOptions extends PatienceOptions {
  /** Undefined: the latest rollout and every later one, without an end. */
  rolloutId?: string | undefined;
  /** Undefined: a snapshot first. */
  afterSequence?: bigint | undefined;
  /** What `afterSequence` was told with. Undefined: taken for the present one. */
  epoch?: string | undefined;
  /** Ends the stream. */
  signal: AbortSignal;
  /** The server has been heard before: it is waited for at the first message, too. Default: false. */
  known?: boolean;
  /** For a picture: only what it needs of the events. Default: false, all of them. */
  isPicture?: boolean;
  /** How long a stream may be silent. Default: 45 s. */
  silenceMs?: number;
}

/** Watch responses in order, heartbeats included. Ends when aborted, or with the rollout where one is named. */
export async function* follow(client: HydraClient, options: FollowOptions): AsyncGenerator<WatchResponse, void> {
  const { rolloutId, signal } = options;
  const patience = new Patience(options);
  let position = options.afterSequence;
  let epoch = options.epoch;
  let heard = options.known ?? false;
  while (!signal.aborted) {
    try {
      const from = { ...optional("afterSequence", position), ...optional("epoch", epoch) };
      const request = { ...optional("rolloutId", rolloutId), ...from };
      for await (const response of watchOnce(client, request, options)) {
        heard = true;
        patience.renew();
        position = positionOf(response) ?? position;
        epoch = response.epoch ?? epoch;
        yield response;
      }
      // A stream of every rollout has no end of its own.
      if (rolloutId !== undefined || signal.aborted) return;
      await patience.pause(new ConnectError("the stream ended", Code.Unavailable), signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!heard || isRefusal(error)) throw error;
      await patience.pause(error, signal);
    }
  }
}

export interface WatchOptions extends Pick<FollowOptions, "onAway" | "isPicture"> {
  rolloutId?: string | undefined;
  afterSequence?: bigint | undefined;
  epoch?: string | undefined;
  /** Go on after the rollout's end, with every later one. */
  all?: boolean;
  signal: AbortSignal;
}

/**
 * Follows one rollout to its end: the one named, else the latest one, else the
 * first one that starts. With a position, everything after it comes first.
 */
export async function* followToTheEnd(client: HydraClient, options: WatchOptions): AsyncGenerator<WatchResponse, void> {
  const { rolloutId, afterSequence, epoch, all = false, signal, onAway = () => {}, isPicture = false } = options;
  if (rolloutId !== undefined || all) return yield* follow(client, options);

  const first = await firstSnapshot(client, signal);
  if (first === undefined) return;
  // From here on the server has been heard.
  const then = { signal, onAway, isPicture, known: true };
  const here = { afterSequence: first.message.value.sequence, epoch: first.epoch };
  let place = here;
  let latestId = idOf(first);
  /** After a reset it is from there on. */
  const note = (response: WatchResponse) => {
    place = { afterSequence: positionOf(response) ?? place.afterSequence, epoch: response.epoch ?? place.epoch };
    latestId = idOf(response) || latestId;
    return response;
  };
  const isHere = (event: RolloutEvent) => event.sequence >= here.afterSequence;
  if (afterSequence === undefined) yield first;
  else
    for await (const response of followUntil(client, { ...then, afterSequence, epoch }, isHere, here))
      yield note(response);

  const isStart = (event: RolloutEvent) => event.type === RolloutEventType.ROLLOUT_STARTED;
  while (latestId === "" && !signal.aborted) {
    for await (const response of followUntil(client, { ...then, ...place }, isStart)) {
      yield note(response);
      if (response.message.case === "event") latestId = response.message.value.rolloutId;
    }
  }
  if (latestId !== "") yield* follow(client, { ...then, ...place, rolloutId: latestId });
}

/** A position, and of which history it is. */
type Place = Pick<WatchOptions, "afterSequence" | "epoch">;

type SnapshotResponse = WatchResponse & { message: Extract<WatchResponse["message"], { case: "snapshot" }> };

/** The latest rollout as it stands; undefined only where aborted. */
async function firstSnapshot(client: HydraClient, signal: AbortSignal): Promise<SnapshotResponse | undefined> {
  for await (const response of follow(client, { signal })) {
    if (response.message.case === "snapshot") return response as SnapshotResponse;
  }
  return undefined;
}

/** Ends with the event that `isLast` says, where `end` has been reached, or with a snapshot. */
async function* followUntil(
  client: HydraClient,
  options: FollowOptions,
  isLast: (event: RolloutEvent) => boolean,
  end?: Place,
): AsyncGenerator<WatchResponse, void> {
  const { afterSequence, epoch = end?.epoch } = options;
  if (end !== undefined && afterSequence === end.afterSequence && epoch === end.epoch) return;
  for await (const response of follow(client, options)) {
    yield response;
    const { message } = response;
    if (message.case === "snapshot" || (message.case === "event" && isLast(message.value))) return;
    if (message.case === "heartbeat" && end !== undefined && message.value.sequence === end.afterSequence) return;
  }
}

async function* watchOnce(
  client: HydraClient,
  request: Parameters<HydraClient["rollouts"]["watch"]>[0],
  { signal, silenceMs = 45_000, isPicture = false }: FollowOptions,
): AsyncGenerator<WatchResponse, void> {
  const silence = new AbortController();
  const alarm = setTimeout(
    () => silence.abort(new ConnectError("the stream went silent", Code.Unavailable)),
    silenceMs,
  );
  try {
    const both = AbortSignal.any([signal, silence.signal]);
    const contextValues = createContextValues().set(forPicture, isPicture);
    for await (const response of client.rollouts.watch(request, { signal: both, contextValues })) {
      alarm.refresh();
      yield response;
    }
  } catch (error) {
    throw silence.signal.aborted && !signal.aborted ? silence.signal.reason : error;
  } finally {
    clearTimeout(alarm);
  }
}

/**
 * The server understood and said no. Everything else, once the stream has
 * worked, is a matter of the way: a proxy that cut the answer short shows as
 * almost any code.
 */
function isRefusal(error: unknown): boolean {
  return !(error instanceof ConnectError) || REFUSALS.has(error.code);
}

const REFUSALS = new Set([Code.NotFound, Code.OutOfRange, Code.Unauthenticated, Code.PermissionDenied]);

/** Where a stream goes on after this response; undefined where it says nothing. */
function positionOf({ message }: WatchResponse): bigint | undefined {
  return message.case === "event" || message.case === "snapshot" ? message.value.sequence : undefined;
}

/** The rollout that a snapshot is of; empty where there is none. */
function idOf({ message }: WatchResponse): string {
  return message.case === "snapshot" ? (message.value.rollout?.id ?? "") : "";
}

/** The state of the rollout that a response tells of. */
export function stateOf({ message }: WatchResponse): State | undefined {
  if (message.case === "event") return message.value.state;
  return message.case === "snapshot" ? message.value.rollout?.state : undefined;
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]?: Value });
}
