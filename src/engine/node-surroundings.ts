import type pg from "pg";
import type { EngineLog } from "./api.ts";
import type { Remains } from "./committer.ts";
import type { AnyHandler } from "./definition.ts";
import type { Completion } from "./journal.ts";
import type { EngineLimits } from "./limits.ts";
import type { Node } from "./node.ts";
import type { EngineObserver } from "./observer.ts";
import type { IdBlocks } from "./store/ids.ts";

/** What a node shares with the nodes before and after it in the same process. */
export interface NodeShared {
  readonly databaseUrl: string;
  readonly secret: Buffer;
  readonly limits: EngineLimits;
  readonly log: EngineLog;
  readonly observer: EngineObserver;
  /** For reads. */
  readonly pool: pg.Pool;
  /** For what must not wait behind reads: heartbeats and take-overs. */
  readonly upkeepPool: pg.Pool;
  readonly ids: IdBlocks;
  handlerOf(service: string, name: string): AnyHandler | undefined;
  /** Handlers that it has, as service/handler. */
  readonly handlerNames: readonly string[];
  isAwaited(invocationId: number): boolean;
  onEnded(invocationId: number, completion: Completion): void;
  /** The database, or the way to it, is silent: connections that are open are no good any more. */
  onSilent(): void;
  /** The node is over (D1); called once. Later calls bring units that came too late. */
  onLost(node: Node, remains: Remains): void;
}
