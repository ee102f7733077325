import type { EffectCall } from "./effect.ts";
import type { LineOf } from "./key-lines.ts";
import type { Operation } from "./operations.ts";

/** An idempotency key that a unit's call came with. */
export interface IdempotencyClaim {
  readonly service: string;
  readonly key: string;
  readonly handler: string;
  readonly idempotencyKey: string;
  /** Id of the invocation that will be born if the key is new. */
  readonly invocationId: number;
}

/**
 * What must be committed together: rows for effects, and the engine's own
 * operations, which may depend on the effects' results.
 */
export interface Unit {
  /** Units of one lane keep their order, and none is written after one that failed. */
  readonly lane?: number;
  /** Goes before everything that is not urgent: calls from outside, cancellations. */
  readonly urgent: boolean;
  readonly effects: readonly EffectCall[];
  readonly claim?: IdempotencyClaim;
  /** Invocation that it brings about: tells, after an outcome was lost with the connection, whether it is in. */
  readonly birth?: number;
  /** Line of calls for one key that its birth would join: it is refused where that is full. */
  readonly line?: LineOf;
  /** About how many operations it makes. */
  readonly weight: number;
  /**
   * Makes the operations from the effects' results (null: missed). Pure: runs
   * again when the batch does. Where it throws, a unit with a birth is refused:
   * none of its operations is written, and its effects must have written
   * nothing. Any other makes its batch fail, and then fails alone.
   */
  operations(results: readonly unknown[]): Iterable<Operation>;
  /** Committed. `existing`: the claim named an invocation that was there before, so nothing was written. */
  committed(results: readonly unknown[], existing?: number): void;
  /** Not committed, and never will be. */
  failed(error: unknown): void;
  /** Still wanted? Units of an attempt that has ended are dropped. */
  isWanted?(): boolean;
  /** Committed again by the next incarnation of the node, should this one be lost before it is. */
  readonly survives: boolean;
}

/** An operation of the node itself. */
export function nodeUnit(
  operation: Operation,
  lane: number | undefined,
  told: Pick<Unit, "committed" | "failed">,
): Unit {
  const shape = { urgent: true, effects: [], weight: 1, survives: false };
  return { ...shape, ...(lane === undefined ? {} : { lane }), operations: () => [operation], ...told };
}
