import type { RolloutEvent } from "../../gen/hydra/v1/sentinel_rollout_pb.ts";

/** Events as a reader gets them: with everything up to `end`, it has missed nothing. */
export interface EventPage {
  readonly events: readonly RolloutEvent[];
  readonly end: bigint;
}

/** The most recent events, consecutive and in order, at most `capacity` of them. Pure. */
export class EventRing {
  readonly #capacity: number;
  readonly #slots: RolloutEvent[] = [];
  #start = 0n;
  #end = 0n;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Sequence of the latest event; everything later is not known here. */
  get end(): bigint {
    return this.#end;
  }

  /** Empties it: the next event to come is the one after `position`. */
  reset(position: bigint): void {
    this.#slots.length = 0;
    this.#start = position;
    this.#end = position;
  }

  /** Adds the next event. One that is not the next makes it start anew there. */
  append(event: RolloutEvent): void {
    if (event.sequence !== this.#end + 1n) this.reset(event.sequence - 1n);
    this.#slots[this.#slotOf(event.sequence)] = event;
    this.#end = event.sequence;
    if (this.#end - this.#start > BigInt(this.#capacity)) this.#start += 1n;
  }

  /** The events after a position. Undefined: it is older than what is held. */
  after(position: bigint, limit: number): EventPage | undefined {
    if (position < this.#start) return undefined;
    if (position >= this.#end) return { events: [], end: position };
    const end = position + BigInt(limit) < this.#end ? position + BigInt(limit) : this.#end;
    const events: RolloutEvent[] = [];
    for (let sequence = position + 1n; sequence <= end; sequence++) {
      events.push(this.#slots[this.#slotOf(sequence)]!);
    }
    return { events, end };
  }

  #slotOf(sequence: bigint): number {
    return Number(sequence % BigInt(this.#capacity));
  }
}
