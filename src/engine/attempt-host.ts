import type { Attempt } from "./attempt.ts";
import type { Completion } from "./journal.ts";
import type { Unit } from "./unit.ts";

/** What an attempt needs of its node. */
export interface AttemptHost {
  readonly secret: Buffer;
  submit(unit: Unit): void;
  /** `count` consecutive ids for new invocations. */
  allocateIds(count: number): number;
  /** How many new invocations this node could run at once. */
  room(): number;
  isExclusive(service: string, handler: string): boolean;
  readState(service: string, key: string, name: string): Promise<string | undefined>;
  /** The database's time in milliseconds since 1970. */
  databaseNow(): number;
  /** The attempt has something to do (again), or nothing any more. */
  onBusy(attempt: Attempt): void;
  onIdle(attempt: Attempt): void;
  /** The invocation has ended; committed. */
  onEnded(attempt: Attempt, completion: Completion): void;
  /** The invocation waits for an operator; committed. No error: as one asked. */
  onParked(attempt: Attempt, error?: unknown): void;
  /** To be repeated later. */
  onFailed(attempt: Attempt, error: unknown): void;
}
