// Reads of many events that came together only those that a picture needs. A rollout has two for each sentinel, and
// reading them is most of what drawing it costs (`bench/cli-live.ts`).
//   S1. Passed over is an event that says no more than that one sentinel began or got ready, and is followed by another
//       such event of the same wave: that one has the wave's newest counts, and is told how many there were.
//   S2. The newest events of those that got ready are all read: a picture lists them.
//   S3. Where more than one rollout has such events, all are read: whose they are decides what becomes of them.
//   S4. What is not understood is read by the library, as is everything that is not passed over.

import { createContextKey } from "@connectrpc/connect";
import type { WatchResponse } from "../../client/index.ts";
import {
  RolloutEventSchema,
  RolloutEventType as Type,
  WatchResponseSchema,
} from "../../gen/hydra/v1/sentinel_rollout_pb.ts";

/** Whether a Watch is for a picture: then its responses are `SkimmedResponse`. */
export const forPicture = createContextKey(false, { description: "for a picture" });

/** How many events of the same wave were passed over before one. */
export interface PassedOver {
  readonly begun: number;
  readonly ready: number;
}

/** A response, with those before it that were not read. */
export interface SkimmedResponse extends WatchResponse {
  readonly passedOver?: PassedOver;
}

/** A message that is to be read. */
export interface Kept {
  readonly data: Uint8Array;
  readonly passedOver: PassedOver | undefined;
}

/** How many of the newest events a picture lists. */
export const MAX_RECENT = 8;

/** Of messages that came together, those to read, in their order. The last one is always among them. */
export function skim(messages: readonly Uint8Array[]): Kept[] {
  const glances = messages.map(glanceAt);
  if (!areOfOneRollout(glances)) return messages.map((data) => ({ data, passedOver: undefined }));
  const kept: Kept[] = [];
  let readyLeft = glances.filter((glance) => glance?.type === Type.SENTINEL_READY).length;
  let [begun, ready] = [0, 0];
  for (const [i, data] of messages.entries()) {
    const glance = glances[i];
    const isReady = glance?.type === Type.SENTINEL_READY;
    const isListed = isReady && readyLeft <= MAX_RECENT;
    if (isReady) readyLeft -= 1;
    if (glance && !isListed && glance.wave === glances[i + 1]?.wave) {
      if (isReady) ready += 1;
      else begun += 1;
      continue;
    }
    kept.push({ data, passedOver: begun + ready > 0 ? { begun, ready } : undefined });
    [begun, ready] = [0, 0];
  }
  return kept;
}

/** What tells whether an event may be passed over. */
interface Glance {
  readonly type: number;
  readonly rollout: Uint8Array;
  readonly wave: number;
}

function areOfOneRollout(glances: readonly (Glance | undefined)[]): boolean {
  const first = glances.find((glance) => glance !== undefined);
  return glances.every((glance) => !glance || !first || Buffer.compare(glance.rollout, first.rollout) === 0);
}

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const { rolloutId, type, waveIndex } = RolloutEventSchema.field;
const EVENT_TAG = (WatchResponseSchema.field.event.number << 3) | LENGTH_DELIMITED;
const ROLLOUT_TAG = (rolloutId.number << 3) | LENGTH_DELIMITED;
const TYPE_TAG = (type.number << 3) | VARINT;
const WAVE_TAG = (waveIndex.number << 3) | VARINT;

/** Undefined: it must be read. */
function glanceAt(data: Uint8Array): Glance | undefined {
  const cursor = new Cursor(data);
  if (cursor.varint() !== EVENT_TAG) return undefined;
  cursor.varint();
  let rollout: Uint8Array | undefined;
  let [kind, wave] = [-1, -1];
  // Fields come in the order of their numbers; what comes after the wave does not matter here.
  while (cursor.isInside && wave === -1) {
    const tag = cursor.varint();
    if (tag === ROLLOUT_TAG) rollout = cursor.bytes();
    else if (tag === TYPE_TAG) kind = cursor.varint();
    else if (tag === WAVE_TAG) wave = cursor.varint();
    else if ((tag & 7) === VARINT) cursor.varint();
    else if ((tag & 7) === LENGTH_DELIMITED) cursor.bytes();
    else return undefined;
  }
  if (rollout === undefined || wave === -1 || (kind !== Type.SENTINEL_DEPLOYING && kind !== Type.SENTINEL_READY)) {
    return undefined;
  }
  return { type: kind, rollout, wave };
}

/** Goes over the wire format; beyond the end everything is 0. */
class Cursor {
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  get isInside(): boolean {
    return this.#at < this.#data.length;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#data[this.#at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  bytes(): Uint8Array {
    const length = this.varint();
    this.#at += length;
    return this.#data.subarray(this.#at - length, this.#at);
  }
}
