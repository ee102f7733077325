import type { AnyHandler, TraceContext } from "./definition.ts";
import type { Effect } from "./effect.ts";
import type { FailureKind } from "./errors.ts";
import type { EngineLimits } from "./limits.ts";
import type { EngineObserver } from "./observer.ts";
import type { Asked } from "./operations.ts";
import type { ServiceSettings } from "./registry.ts";

/** A call from outside. */
export interface Invocation {
  service: string;
  handler: string;
  key: string;
  /** Decoded input, of the handler's input type. */
  input: unknown;
  /** Repeats with the same key get the first one's answer, for the retention time. Per service, key and handler. */
  idempotencyKey?: string;
  /** Start this much later. */
  delayMs?: number;
  /** Goes into every log line of the invocation. */
  requestId?: string;
  /** For the handler's door. Not stored. */
  traceContext?: TraceContext;
  /** Name of whoever calls, for the handler's door. Not stored. */
  caller?: string;
}

/** An invocation that has been stored: it will run, whatever is killed. */
export interface Accepted {
  readonly invocationId: string;
  /** It existed before under the same idempotency key. */
  readonly repeated: boolean;
  /** Set where a delay was asked for. */
  readonly startAt?: Date;
}

/** How an invocation ended. */
export type Outcome =
  | { readonly ok: true; readonly output: string; readonly completedAt: Date }
  | { readonly ok: false; readonly kind: FailureKind; readonly message: string; readonly completedAt: Date };

export type InvocationStatus =
  | "scheduled"
  | "queued"
  | "ready"
  | "running"
  | "suspended"
  | "parked"
  | "succeeded"
  | "failed";

/** An invocation as an operator sees it. */
export interface InvocationRecord {
  readonly invocationId: string;
  readonly service: string;
  readonly key: string;
  readonly handler: string;
  readonly status: InvocationStatus;
  readonly parentId?: string;
  readonly idempotencyKey?: string;
  /** What an operator asked for and it has not done yet; `pause` stays as long as it is paused. */
  readonly asked?: Asked;
  /** Ready, and no node that is up has its handler: it waits for one that has. */
  readonly unserved: boolean;
  readonly attempts: number;
  /** Attempts that failed in a row, without a new journal entry in between. */
  readonly failures: number;
  /** Failed: the outcome's. */
  readonly failureKind?: FailureKind;
  /** Failed: the outcome. Otherwise: why the last attempt failed. */
  readonly failure?: string;
  readonly createdAt: Date;
  /** Scheduled: when it starts. */
  readonly startAt?: Date;
  readonly completedAt?: Date;
  readonly input: string;
  readonly output?: string;
}

export interface JournalRecord {
  readonly index: number;
  readonly kind: string;
  readonly name: string;
  readonly completed: boolean;
  readonly value?: string;
  readonly failure?: string;
  /** fan_out: the first of `children` with consecutive ids. */
  readonly childId?: string;
  readonly children?: number;
  /** fan_out: how many have not ended, and how many of the others failed. */
  readonly open?: number;
  readonly failed?: number;
  /** By the database's clock; unset where it was recorded by a release that did not say. */
  readonly recordedAt?: Date;
  /** call: when the invocation called ended. */
  readonly completedAt?: Date;
  /** sleep of an open invocation. */
  readonly firesAt?: Date;
  /** run: how long its last try took, and how many the attempt that recorded it needed. */
  readonly durationMs?: number;
  readonly tries?: number;
}

export interface InvocationFilter {
  service?: string;
  key?: string;
  handler?: string;
  statuses?: readonly InvocationStatus[];
  /** Only what this one has called, as its journal has it. */
  parentId?: string;
  createdFrom?: Date;
  createdBefore?: Date;
  /** Only those older than this one. */
  before?: string;
  limit: number;
}

export interface Ending {
  /** Also what it has called and waits for, and what that has, the deepest first. Default false. */
  withChildren?: boolean;
}

export interface Restart extends Pick<Invocation, "idempotencyKey" | "requestId" | "caller"> {
  /** The first entry of the journal that is done anew. What those after it did is not undone. Default 0: all of them. */
  fromEntry?: number;
}

/** How many invocations that have not ended are in each status, of all engines on the database. */
export type OpenInvocations = Readonly<Record<Exclude<InvocationStatus, "succeeded" | "failed">, number>>;

/** Numbers of this engine alone, for metrics and status pages. `batches` and `operations`: of its present node. */
export interface EngineStats {
  readonly nodeId: string;
  /** Attempts in memory, running or waiting. */
  readonly resident: number;
  /** Attempts that hold a slot. */
  readonly active: number;
  /** Operations that wait for the committer. */
  readonly queuedOperations: number;
  readonly batches: number;
  readonly operations: number;
}

/**
 * Durable execution. Every method may be called from many places at once. A
 * promise that resolves tells of something committed; one that rejects with a
 * TerminalError of kind `unavailable` or `exhausted` may be tried again.
 */
export interface Engine {
  /** Migrates the schema, joins as a node, takes over what dead nodes left, starts working. */
  start(): Promise<void>;
  /**
   * The first part of `stop`, where peers are up: takes no new work and hands over what it does not run just now. Who
   * waits for an outcome gets it all the same. Nothing where there are no peers.
   */
  drain(): void;
  /** Takes no new work, lets attempts in flight reach their next wait, hands the rest to peers. Safe to call twice. */
  stop(): Promise<void>;
  /** Every handler registered. */
  handlers(): readonly AnyHandler[];

  /** Stores a call. Rejects with the refusal of the handler's door. */
  invoke(invocation: Invocation): Promise<Accepted>;
  /** Waits for an invocation's end. Undefined: there is none with this id. A signal ends the waiting, not the invocation. */
  attach(invocationId: string, signal?: AbortSignal): Promise<Outcome | undefined>;
  /** The outcome if it is there; `pending`; undefined: there is none with this id. */
  output(invocationId: string): Promise<Outcome | "pending" | undefined>;
  /** Id of the invocation stored under an idempotency key. */
  lookup(call: { service: string; key: string; handler: string; idempotencyKey: string }): Promise<string | undefined>;

  /** Runs an effect for one row, in the next batch, outside any invocation. */
  execute<Row, Result>(effect: Effect<Row, Result>, row: Row): Promise<Result | null>;
  /** The same for many rows, in one commit. Where two are about one record, the statement sees both: it has to judge that. */
  executeMany<Row, Result>(effect: Effect<Row, Result>, rows: readonly Row[]): Promise<(Result | null)[]>;

  /** Completes an awakeable with a JSON text. Repeats and unknown ids change nothing; a malformed id is `invalid`. */
  resolveAwakeable(awakeableId: string, value: string): Promise<void>;
  rejectAwakeable(awakeableId: string, reason: string): Promise<void>;
  // What operators do. All may be repeated, and answer false where there is no such invocation. A refusal is a
  // `conflict`. Of one that runs, its owner does it after the answer.
  /** Its handler gets a CancelledError at its next await; one that has not begun ends at once. Nothing where it has ended. */
  cancel(invocationId: string, ending?: Ending): Promise<boolean>;
  /** Ends it at once, without its handler. Nothing where it has ended. */
  kill(invocationId: string, ending?: Ending): Promise<boolean>;
  /** Parks it; a step in flight is let go of and done again. One in a line keeps its place. Refused where it has ended. */
  pause(invocationId: string): Promise<boolean>;
  /** Lets one that is parked or to be paused go on, with all attempts before it. Refused where it has ended. */
  resume(invocationId: string): Promise<boolean>;
  /** As `resume`; an attempt or a step that waits for its next try waits no longer. */
  retry(invocationId: string): Promise<boolean>;
  /**
   * Runs one that has ended again, as a new invocation with the same input, which
   * its handler's door judges as a call from outside; with `fromEntry`, it has the
   * journal before that entry. One that is parked goes on itself from that entry,
   * which must not be its first. Undefined: there is none. Refused where it is open otherwise.
   */
  restart(invocationId: string, restart?: Restart): Promise<Accepted | undefined>;
  /** Deletes one that has ended. Refused where it has not, or an open one called it. */
  purge(invocationId: string): Promise<boolean>;

  listInvocations(filter: InvocationFilter): Promise<InvocationRecord[]>;
  getInvocation(invocationId: string): Promise<{ invocation: InvocationRecord; journal: JournalRecord[] } | undefined>;
  /** JSON texts by name. */
  getState(service: string, key: string): Promise<Map<string, string>>;
  stats(): EngineStats;
  /** Reads the database; cheap, but not meant for every second of many callers. Rejects where it does not answer. */
  countOpenInvocations(): Promise<OpenInvocations>;
}

/** Where the engine writes what it does; pino's loggers fit. */
export interface EngineLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface EngineOptions {
  /** Postgres 14 or later. */
  databaseUrl: string;
  handlers: readonly AnyHandler[];
  log?: EngineLog;
  /** Default: nobody looks. */
  observer?: EngineObserver;
  limits?: Partial<EngineLimits>;
  /** By name of the service. */
  services?: Readonly<Record<string, ServiceSettings>>;
}
