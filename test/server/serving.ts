import { create, fromJsonString, toJsonString, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import pg from "pg";
import { type Logger, pino } from "pino";
import {
  type AnyHandler,
  anyHandler,
  type Codec,
  createEngine,
  defineHandler,
  type Engine,
  type EngineLimits,
  type FailureKind,
  jsonCodec,
  TerminalError,
} from "../../src/engine/index.ts";
import {
  SentinelDeployStatus,
  SentinelServiceDeployRequestSchema,
  SentinelServiceDeployResponseSchema,
  SentinelServiceNotifyReadyRequestSchema,
  SentinelServiceNotifyReadyResponseSchema,
} from "../../src/gen/hydra/v1/sentinel_pb.ts";
import {
  SentinelRolloutServiceCancelRequestSchema,
  SentinelRolloutServiceCancelResponseSchema,
  SentinelRolloutServiceRolloutRequestSchema,
  SentinelRolloutServiceRolloutResponseSchema,
  SentinelRolloutState,
} from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { type RunningServer, type ServerOptions, startServer } from "../../src/server/index.ts";
import { createDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";

// A server on a real engine whose handlers do what their callers ask for. Their
// names and messages are those of hydra's own services.

export const SENTINELS = "hydra.v1.SentinelService";
export const ROLLOUTS = "hydra.v1.SentinelRolloutService";

export interface Serving extends AsyncDisposable {
  readonly url: string;
  readonly server: RunningServer;
  readonly engine: Engine;
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly log: Logger;
  /** Lines that were logged, as JSON texts. */
  readonly logged: readonly string[];
  /** How often Deploy has been run for a key. */
  runs(key: string): number;
  /** Awakeable that a Deploy with image `wait` waits for. */
  awakeableOf(key: string): Promise<string>;
}

export interface ServeOptions extends Partial<ServerOptions> {
  limits?: Partial<EngineLimits>;
}

/** Starts database, engine and server. Stop it by disposing. */
export async function serve({ limits, ...options }: ServeOptions = {}): Promise<Serving> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await createDatabase());
  const awakeables = new Map<string, string>();
  const runs = new Map<string, number>();
  const engine = createEngine({
    databaseUrl: database.url,
    handlers: handlers(awakeables, runs),
    ...(limits ? { limits } : {}),
  });
  await engine.start();
  stack.defer(() => engine.stop());
  const pool = new pg.Pool({ connectionString: database.url, max: 4 });
  // A connection may still be closing when its database is dropped.
  pool.on("connect", (client) => client.on("error", () => {}));
  stack.defer(() => pool.end());
  const logged: string[] = [];
  const log = pino({ level: "debug" }, { write: (line: string) => void logged.push(line) });
  const server = await startServer({
    engine,
    pool,
    databaseUrl: database.url,
    host: "127.0.0.1",
    port: 0,
    log,
    version: "0.0.0-test",
    graceMs: 1_000,
    ...options,
  });
  stack.defer(() => server.stop());
  const parts = stack.move();
  return {
    url: server.url,
    server,
    engine,
    pool,
    databaseUrl: database.url,
    log,
    logged,
    runs: (key) => runs.get(key) ?? 0,
    awakeableOf: (key) => eventually(() => awakeables.get(key) ?? false),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

function handlers(awakeables: Map<string, string>, runs: Map<string, number>): AnyHandler[] {
  return [
    anyHandler(
      defineHandler({
        service: SENTINELS,
        name: "Deploy",
        kind: "exclusive",
        public: true,
        input: codec(SentinelServiceDeployRequestSchema),
        output: codec(SentinelServiceDeployResponseSchema),
        accept(input) {
          if (input.image === "refuse") throw new TerminalError("refused at the door", "conflict");
          return {};
        },
        async run(ctx, input) {
          runs.set(ctx.key, (runs.get(ctx.key) ?? 0) + 1);
          const [verb, kind] = input.image.split(":");
          if (verb === "fail") throw new TerminalError(`failed as asked: ${kind}`, kind as FailureKind);
          let reason = toJsonString(SentinelServiceDeployRequestSchema, input);
          if (verb === "wait") {
            const { id, value } = ctx.awakeable<unknown>();
            awakeables.set(ctx.key, id);
            reason = JSON.stringify(await value);
          }
          return create(SentinelServiceDeployResponseSchema, { status: SentinelDeployStatus.READY, reason });
        },
      }),
    ),
    anyHandler(
      defineHandler({
        service: SENTINELS,
        name: "NotifyReady",
        kind: "shared",
        public: true,
        input: codec(SentinelServiceNotifyReadyRequestSchema),
        output: codec(SentinelServiceNotifyReadyResponseSchema),
        run: async () => create(SentinelServiceNotifyReadyResponseSchema),
      }),
    ),
    anyHandler(
      defineHandler({
        service: SENTINELS,
        name: "Hidden",
        kind: "exclusive",
        public: false,
        input: jsonCodec<unknown>(),
        output: jsonCodec<unknown>(),
        run: async () => undefined,
      }),
    ),
    anyHandler(
      defineHandler({
        service: ROLLOUTS,
        name: "Rollout",
        kind: "exclusive",
        public: true,
        input: codec(SentinelRolloutServiceRolloutRequestSchema),
        output: codec(SentinelRolloutServiceRolloutResponseSchema),
        accept: (input) => ({ input: { ...input, slackWebhookUrl: "" } }),
        run: async (_ctx, input) =>
          create(SentinelRolloutServiceRolloutResponseSchema, {
            state: SentinelRolloutState.COMPLETED,
            rolloutId: `${input.image} ${input.wavePercentages.join(",")}`,
          }),
      }),
    ),
    anyHandler(
      defineHandler({
        service: ROLLOUTS,
        name: "Cancel",
        kind: "shared",
        public: true,
        input: codec(SentinelRolloutServiceCancelRequestSchema),
        output: codec(SentinelRolloutServiceCancelResponseSchema),
        run: async () => create(SentinelRolloutServiceCancelResponseSchema),
      }),
    ),
  ];
}

function codec<T extends DescMessage>(schema: T): Codec<MessageShape<T>> {
  return {
    encode: (message) => toJsonString(schema, message),
    decode: (text) => fromJsonString(schema, text),
  };
}

/** POSTs to the ingress. */
export async function post(
  url: string,
  body: string | Uint8Array | undefined,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body }),
  });
}
