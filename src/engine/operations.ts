import type { FailureKind } from "./errors.ts";
import type { Completion as EntryCompletion } from "./journal.ts";

// What the engine writes, as values. Attempts and the engine's public methods
// make operations; the store turns all of one batch into set-based statements.

/** A new invocation. */
export interface Birth {
  kind: "birth";
  id: number;
  service: string;
  key: string;
  handler: string;
  exclusive: boolean;
  /** 0: called from outside or by a plain call; 1: part of a fan-out. */
  priority: 0 | 1;
  /** This node has room to run it at once. */
  claim: boolean;
  input: string;
  /** Its output: it is born ended. */
  answer?: string;
  parentId?: number;
  /** Set where the parent waits for the outcome. */
  parentEntry?: number;
  delayMs?: number;
  idempotencyKey?: string;
  requestId?: string;
}

/** An entry of a journal. */
export interface EntryWrite {
  kind: "entry";
  invocationId: number;
  entry: number;
  entryKind: string;
  name: string;
  value?: string;
  failureKind?: FailureKind;
  failure?: string;
  childId?: number;
  /** fan_out: number of calls. */
  children?: number;
  /** run: how long the last try took, and which one it was. */
  durationMs?: number;
  tries?: number;
}

/** Gives a new invocation the first `entries` of the journal of one that has ended. */
export interface JournalCopy {
  kind: "journal_copy";
  from: number;
  to: number;
  entries: number;
}

/** State of an object; `value` null clears it. */
export interface StateWrite {
  kind: "state";
  service: string;
  key: string;
  name: string;
  value: string | null;
}

export interface TimerWrite {
  kind: "timer";
  invocationId: number;
  entry: number;
  delayMs: number;
}

/** The end of an invocation; frees its key. */
export interface Completion {
  kind: "completion";
  id: number;
  service: string;
  key: string;
  exclusive: boolean;
  output?: string;
  failureKind?: FailureKind;
  failure?: string;
  parentId?: number;
  parentEntry?: number;
  /** Part of a fan-out: the parent's entry counts it. */
  counted: boolean;
  /** It made timers, which go with it. */
  timers: boolean;
}

/** The completion of an awakeable. Only the first one counts. */
export interface Resolution {
  kind: "resolution";
  invocationId: number;
  entry: number;
  value?: string;
  failure?: string;
}

/** A request to end an invocation, carried out by its owner. */
export interface StopRequest {
  kind: "stop";
  id: number;
  how: "cancel" | "kill";
}

/** An attempt, or a try of a step, failed and will be repeated. */
export interface AttemptFailure {
  kind: "attempt_failure";
  id: number;
  failure: string;
  /** Failures in a row, this one included. */
  failures: number;
  /** 0: a step is tried again in the same attempt. */
  attempts: 0 | 1;
}

/** What an operator wants of an invocation that has not ended. Of two requests the later one counts, a kill always. */
export type Asked = "cancel" | "kill" | "pause";

/** An invocation that waits for an operator from now on. */
export interface Parking {
  kind: "parking";
  id: number;
  /** Why; unset: as an operator asked. */
  failure?: string;
  /** What its attempt was told of. */
  asked: Asked | undefined;
}

/** An invocation that only waits is let go of; whatever it waits for makes it ready. */
export interface Suspension {
  kind: "suspension";
  id: number;
  /** What it waits for; timers among them, also one that is due by now, say when it goes on. */
  entries: readonly number[];
}

/** Invocations that this node owns and does not run are for anybody again. */
export interface HandBack {
  kind: "hand_back";
  invocations: readonly HandedBack[];
}

/**
 * `attempts`: how many have begun, as its owner knows it; failures of attempts may still be on their way to the
 * database, and who has begun none is started without its journal.
 */
export interface HandedBack {
  readonly id: number;
  readonly attempts: number;
}

/** Suspended ones of these become ready. */
export interface Wake {
  kind: "wake";
  id: number;
}

/** Take over up to `limit` invocations that are ready. */
export interface Claim {
  kind: "claim";
  limit: number;
}

/** Look for scheduled invocations whose time has come. */
export interface ActivateDue {
  kind: "activate_due";
  limit: number;
}

/** Forget an idempotency key whose call was refused. */
export interface ForgetKey {
  kind: "forget_key";
  service: string;
  key: string;
  handler: string;
  idempotencyKey: string;
}

export type Operation =
  | Birth
  | EntryWrite
  | JournalCopy
  | StateWrite
  | TimerWrite
  | Completion
  | Resolution
  | StopRequest
  | AttemptFailure
  | Parking
  | Suspension
  | HandBack
  | Wake
  | Claim
  | ActivateDue
  | ForgetKey;

/** Operations of one batch by kind, each list in the order in which they were made. */
export type OperationsByKind = { [K in Operation["kind"]]: Extract<Operation, { kind: K }>[] };

/** An invocation that this node now owns, as it is read from the table. */
export interface OwnedInvocation {
  readonly id: number;
  readonly service: string;
  readonly key: string;
  readonly handler: string;
  readonly exclusive: boolean;
  readonly priority: number;
  readonly parentId: number | undefined;
  readonly parentEntry: number | undefined;
  readonly input: string;
  readonly attempts: number;
  /** Attempts in a row that failed. */
  readonly failures: number;
  /** Since when, by the database's clock in milliseconds since 1970. */
  readonly failingSince: number | undefined;
  readonly asked: Asked | undefined;
  readonly supersededBy: number | undefined;
  readonly requestId: string | undefined;
  /** Set where it was ended before it began: the kind of its failure. */
  readonly endsAs: FailureKind | undefined;
}

/** What a committed batch has to tell its node. */
export interface BatchOutcome {
  /** Born here, promoted, claimed: to be started here. */
  readonly owned: readonly OwnedInvocation[];
  /** Awakeables completed by this batch. */
  readonly resolved: readonly { invocationId: number; entry: number; completion: EntryCompletion }[];
  /** Fan-outs of which every call has ended. */
  readonly fannedIn: readonly { invocationId: number; entry: number; children: number; failed: number }[];
  /** Invocations whose end was asked for, of those that had not ended. */
  readonly stopped: ReadonlySet<number>;
  /** A claim got all it asked for: there may be more. */
  readonly moreReady: boolean;
  /** Some were born without an owner. */
  readonly ready: boolean;
  /** Some were born to start later. */
  readonly scheduled: boolean;
}

/** The end of an invocation as an operation. `timers`: it made some. */
export function completionWrite(
  { id, service, key, exclusive, priority, parentId, parentEntry }: OwnedInvocation,
  completion: EntryCompletion,
  timers: boolean,
): Completion {
  return {
    kind: "completion",
    id,
    service,
    key,
    exclusive,
    counted: priority === 1,
    timers,
    ...(parentId === undefined ? {} : { parentId }),
    ...(parentEntry === undefined ? {} : { parentEntry }),
    ...(completion.ok ? { output: completion.value } : { failureKind: completion.kind, failure: completion.message }),
  };
}

export function groupOperations(operations: Iterable<Operation>): OperationsByKind {
  const groups: OperationsByKind = {
    birth: [],
    entry: [],
    journal_copy: [],
    state: [],
    timer: [],
    completion: [],
    resolution: [],
    stop: [],
    attempt_failure: [],
    parking: [],
    suspension: [],
    hand_back: [],
    wake: [],
    claim: [],
    activate_due: [],
    forget_key: [],
  };
  for (const operation of operations) (groups[operation.kind] as Operation[]).push(operation);
  return groups;
}
