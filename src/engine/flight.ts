import type { BatchResult } from "./store/batch.ts";
import type { Unit } from "./unit.ts";

/** Of a batch in flight: what tells whether its answer is late. */
export interface InFlight {
  readonly number: number;
  /** By the monotonic clock. */
  readonly sentAt: number;
  /** That have to be sent for it. */
  readonly bytes: number;
  /** Bytes that have come on its connection, for whatever batch. */
  readonly received: number;
}

/** A batch in flight: sent, and not known yet to be in or out. */
export interface Flight {
  readonly number: number;
  readonly units: readonly Unit[];
  readonly sentAt: number;
  /** Bytes that the connection had been given before. */
  readonly givenBefore: number;
  readonly answer: Promise<{ readonly result: BatchResult } | { readonly error: unknown }>;
  /** The server has all of it. */
  isSent: boolean;
  /** Of the node's room for invocations (E6). */
  roomTaken: number;
}
