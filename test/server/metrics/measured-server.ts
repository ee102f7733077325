import pg from "pg";
import { pino } from "pino";
import { startSimulatedFleet } from "../../../src/agent/index.ts";
import { createHydraClient, type HydraClient } from "../../../src/client/index.ts";
import { createEngine, type Engine } from "../../../src/engine/index.ts";
import { rolloutHandlers } from "../../../src/rollout/index.ts";
import { Metrics, type RunningServer, startServer } from "../../../src/server/index.ts";
import { addSentinels } from "../../rollout/world.ts";
import { createDatabase } from "../../support/database.ts";
import { quietLog } from "../../support/quiet-log.ts";
import { scrape, type Scraped } from "./scraped.ts";

/** A whole server as `hydra serve` composes it, with a fleet and its agent. */
export interface MeasuredServer extends AsyncDisposable {
  readonly server: RunningServer;
  readonly client: HydraClient;
  readonly engine: Engine;
  readonly pool: pg.Pool;
  readonly metrics: Metrics;
  readonly databaseUrl: string;
  /** Statements that have gone through the server's pool. */
  readonly statements: readonly string[];
  scrape(): Promise<Scraped>;
}

export interface MeasuredServerOptions {
  sentinels?: number;
  /** Sentinels that never become ready on a new image. */
  failing?: readonly string[];
  /** Puts something between the server and its database. */
  through?: (databaseUrl: string) => Promise<{ readonly url: string } & AsyncDisposable>;
}

class RecordingPool extends pg.Pool {
  readonly statements: string[] = [];

  // Hands everything on; the pool's own overloads are too many to repeat.
  override query(...args: unknown[]): never {
    const [query] = args as [string | { text: string }];
    this.statements.push(typeof query === "string" ? query : query.text);
    return (super.query as (...all: unknown[]) => never).apply(this, args);
  }
}

export async function startMeasuredServer(options: MeasuredServerOptions = {}): Promise<MeasuredServer> {
  await using stack = new AsyncDisposableStack();
  const { url } = stack.use(await createDatabase());
  const between = await options.through?.(url);
  if (between) stack.use(between);
  const databaseUrl = between?.url ?? url;
  const pool = new RecordingPool({ connectionString: databaseUrl, max: 6 });
  pool.on("connect", (client) => client.on("error", () => {}));
  pool.on("error", () => {});
  stack.defer(() => pool.end());
  if (options.sentinels) await addSentinels(pool, options.sentinels);
  const metrics = new Metrics();
  const engine = await startEngine(databaseUrl, metrics);
  stack.defer(() => engine.stop());
  const log = pino({ level: "silent" });
  const address = { host: "127.0.0.1", port: 0, version: "1.2.3-test" };
  const server = await startServer({ engine, pool, databaseUrl, log, metrics, graceMs: 1_000, ...address });
  stack.defer(() => server.stop());
  const fleet = startSimulatedFleet({
    transport: server.transport,
    regionIds: options.sentinels ? ["test"] : [],
    convergeMs: { min: 0, max: 20 },
    failures: new Map(options.failing?.map((id) => [id, "image_pull"])),
    seed: 1,
    version: "test",
    log: quietLog,
  });
  stack.defer(() => fleet.stop());
  const parts = stack.move();
  return {
    server,
    client: createHydraClient({ baseUrl: server.url }),
    engine,
    pool,
    metrics,
    databaseUrl: url,
    statements: pool.statements,
    scrape: () => scrape(server.url),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function startEngine(databaseUrl: string, metrics: Metrics): Promise<Engine> {
  const handlers = rolloutHandlers({
    deployTimeoutMs: 60_000,
    allowedWebhookHosts: [],
    hasDefaultWebhook: false,
    log: quietLog,
    observer: metrics.rollout,
  });
  const engine = createEngine({ databaseUrl, handlers, observer: metrics.engine, limits: { drainMs: 500 } });
  await engine.start();
  return engine;
}
