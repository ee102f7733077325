import { readFileSync } from "node:fs";
import path from "node:path";
import { create, fromJsonString } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Rollout,
  type RolloutEvent,
  type RolloutEventType as Type,
  RolloutSchema,
  WatchResponseSchema,
} from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";

/**
 * What `hydra watch --all --after 0 --json` told of two rollouts over sixty sentinels, eight of which fail in the
 * third wave: the first is resumed and completed, the second is rolled back.
 */
export function readRecording(): RolloutEvent[] {
  const text = readFileSync(path.join(import.meta.dirname, "recordings/two-rollouts.jsonl"), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => fromJsonString(WatchResponseSchema, line).message)
    .flatMap((message) => (message.case === "event" ? [message.value] : []));
}

/** Waves as the server plans them for 5, 25, 50 and 100 percent of sixty. */
const WAVES = [
  { percentage: 5, size: 3 },
  { percentage: 25, size: 12 },
  { percentage: 50, size: 15 },
  { percentage: 100, size: 30 },
];

/** The rollout of an event as GetRollout tells its plan. */
export function planOf({ rolloutId, image }: RolloutEvent): Rollout {
  const waves = WAVES.map((wave, index) => ({ ...wave, index }));
  return create(RolloutSchema, { id: rolloutId, image, total: 60, waves });
}

/** The place of the n-th event (from 1) of a type after another place; the number of events up to it. */
export function upTo(events: readonly RolloutEvent[], type: Type, nth = 1, after = 0): number {
  const places = events.flatMap((event, index) => (event.type === type && index >= after ? [index + 1] : []));
  const place = places[nth - 1];
  if (place === undefined) throw new Error(`fewer than ${nth} events of type ${type}`);
  return place;
}

/** When the last of some events happened. */
export function timeOf(event: RolloutEvent | undefined): number {
  return event?.time ? timestampMs(event.time) : 0;
}
