import pg from "pg";
import { createEngine, type Engine, type EngineLimits, type EngineLog } from "../../../src/engine/index.ts";
import { kindHandlers } from "./kinds.ts";

/** Of nodes that are killed and of those that take over from them: quick enough for a test. */
export const LIMITS: Partial<EngineLimits> = { leaseMs: 500, pollMs: 100, drainMs: 2_000 };

/** An engine that runs the handlers of kinds.ts, with the pool of what they do outside. */
export interface KindsEngine extends AsyncDisposable {
  readonly engine: Engine;
}

export interface KindsEngineOptions {
  readonly databaseUrl: string;
  readonly limits: Partial<EngineLimits>;
  readonly log?: EngineLog;
  onOperation?(): void;
}

/** Makes it; whoever asks for it starts it. */
export function createKindsEngine({ databaseUrl, onOperation = () => {}, ...rest }: KindsEngineOptions): KindsEngine {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  pool.on("error", () => {});
  const handlers = kindHandlers({
    pool,
    onOperation,
    resolve: (id, value) => engine.resolveAwakeable(id, value),
    cancel: (id) => engine.cancel(id),
    kill: (id) => engine.kill(id),
  });
  const engine = createEngine({ databaseUrl, handlers, ...rest });
  return {
    engine,
    async [Symbol.asyncDispose]() {
      await engine.stop();
      await pool.end();
    },
  };
}
