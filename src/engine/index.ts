// The only door to the engine.
export type {
  Accepted,
  Ending,
  Engine,
  EngineLog,
  EngineOptions,
  EngineStats,
  Invocation,
  InvocationFilter,
  InvocationRecord,
  InvocationStatus,
  JournalRecord,
  OpenInvocations,
  Outcome,
  Restart,
} from "./api.ts";
export type { Awakeable, Context, FanOutResult, Future, RaceResult, RunOptions, TxOptions } from "./context.ts";
export {
  type Abandonment,
  type Acceptance,
  type AnyHandler,
  type Arrival,
  anyHandler,
  type Codec,
  defineHandler,
  type HandlerDefinition,
  type HandlerKind,
  type HandlerOptions,
  type HandlerRef,
  jsonCodec,
  type TraceContext,
} from "./definition.ts";
export {
  type ColumnType,
  defineEffect,
  type Effect,
  type EffectAction,
  type EffectCall,
  effectCall,
  type EffectOptions,
} from "./effect.ts";
export { CancelledError, EngineUnavailableError, type FailureKind, TerminalError } from "./errors.ts";
export { createEngine } from "./engine.ts";
export type { EngineLimits } from "./limits.ts";
export type { EngineObserver } from "./observer.ts";
export type { Asked } from "./operations.ts";
export type { ServiceSettings } from "./registry.ts";
export type { RetryPolicy } from "./retry.ts";
export { nodeIsOver, THIS_NODE } from "./node-life.ts";
export { openPool } from "./store/cuttable-pool.ts";
export { closeClient } from "./store/goodbye.ts";
export { engineMigrations, migrate, type Migrated, type MigrateOptions, warnOfNewer } from "./store/migrate.ts";
export { sessionSettings } from "./store/session.ts";
