import {
  create,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
  type DescMessage,
} from "@bufbuild/protobuf";
import pg from "pg";
import { createEngine, type Engine, type InvocationStatus, TerminalError } from "../../src/engine/index.ts";
import { SentinelService } from "../../src/gen/hydra/v1/sentinel_pb.ts";
import { SentinelRolloutService } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { rolloutHandlers, type RolloutOptions } from "../../src/rollout/index.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { type Deploying, TestAgent } from "./test-agent.ts";

export const OLD = "registry.test/sentinel:1";
export const NEW = "registry.test/sentinel:2";
/** Of every call that is made here. */
export const REQUEST_ID = "req-1";

const { rollout, resume, cancel, rollbackAll } = SentinelRolloutService.method;
const { deploy, notifyReady } = SentinelService.method;

export interface WorldOptions extends Partial<RolloutOptions> {
  /** Running sentinels, converged on OLD: `snt_01`, `snt_02`, … Default: 5. */
  sentinels?: number;
}

/** A call that was accepted. */
export interface Call<O> {
  readonly invocationId: string;
  /** Its answer; rejects with the failure it ended with. */
  readonly answer: Promise<O>;
}

export interface LogLine {
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

/** A whole domain on a database of its own: engine, handlers, a fleet and its agent. */
export class World {
  readonly database: TestDatabase;
  readonly engine: Engine;
  readonly agent: TestAgent;
  readonly pool: pg.Pool;
  readonly logged: LogLine[];

  private constructor(database: TestDatabase, engine: Engine, agent: TestAgent, pool: pg.Pool, logged: LogLine[]) {
    this.database = database;
    this.engine = engine;
    this.agent = agent;
    this.pool = pool;
    this.logged = logged;
  }

  static async create(options: WorldOptions = {}): Promise<World> {
    const database = await createDatabase();
    const pool = new pg.Pool({ connectionString: database.url, max: 2 });
    // The pool does not wait for its connections' end: dropping the database may be quicker.
    pool.on("connect", (client) => client.on("error", () => {}));
    await addSentinels(pool, options.sentinels ?? 5);
    const logged: LogLine[] = [];
    const engine = await startEngine(database.url, options, logged);
    return new World(database, engine, await TestAgent.start(database.url, engine), pool, logged);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent.stop();
    await this.engine.stop();
    await this.pool.end();
    await assertNobodyConnected(this.database.url);
    await this.database[Symbol.asyncDispose]();
  }

  rollout(request: MessageInitShape<typeof rollout.input> = {}) {
    return call(this.engine, rollout, "singleton", { image: NEW, ...request });
  }

  resume(rolloutId?: string) {
    return call(this.engine, resume, "singleton", rolloutId === undefined ? {} : { rolloutId });
  }

  cancel(rolloutId?: string) {
    return call(this.engine, cancel, "singleton", rolloutId === undefined ? {} : { rolloutId });
  }

  rollbackAll(rolloutId?: string) {
    return call(this.engine, rollbackAll, "singleton", rolloutId === undefined ? {} : { rolloutId });
  }

  deploy(sentinelId: string, request: MessageInitShape<typeof deploy.input> = {}) {
    return call(this.engine, deploy, sentinelId, request);
  }

  notifyReady(sentinelId: string) {
    return call(this.engine, notifyReady, sentinelId, {});
  }

  async rows<T extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<T[]> {
    return (await this.pool.query<T>(text, values)).rows;
  }

  async sentinel(id: string) {
    const [row] = await this.rows<Record<string, never>>("select * from sentinels where id = $1", [id]);
    return row as unknown as Record<string, string | number | null>;
  }

  /** The deploy in force of a sentinel, as its agent knows it. */
  async deploying(id: string): Promise<Deploying> {
    const { image, deploy_number, generation } = await this.sentinel(id);
    return { id, image: String(image), deployNumber: Number(deploy_number), generation: Number(generation) };
  }

  /** The latest rollout. */
  async latest(): Promise<{ id: string; state: string; reason: string; driver: string; current_wave: number | null }> {
    const [row] = await this.rows<Awaited<ReturnType<World["latest"]>>>(
      "select id, state, reason, driver, current_wave from rollouts order by number desc limit 1",
    );
    if (!row) throw new Error("there is no rollout");
    return row;
  }

  /** Status of every target of the latest rollout, by sentinel id. */
  async targets(): Promise<Record<string, string>> {
    const rows = await this.rows<{ sentinel_id: string; status: string }>(
      "select sentinel_id, status from rollout_targets where rollout_id = (select id from rollouts order by number desc limit 1)",
    );
    return Object.fromEntries(rows.map((row) => [row.sentinel_id, row.status]));
  }

  async target(id: string) {
    const [row] = await this.rows<{ status: string; reason: string; previous_image: string; reverting: boolean }>(
      `select status, reason, previous_image, reverting from rollout_targets
        where sentinel_id = $1 and rollout_id = (select id from rollouts order by number desc limit 1)`,
      [id],
    );
    return row;
  }

  /** Types of all events, with what they are about, in order. */
  async events(): Promise<string[]> {
    const rows = await this.rows<{ type: string; wave_index: number | null; sentinel_id: string | null }>(
      "select type, wave_index, sentinel_id from rollout_events order by sequence",
    );
    return rows.map(({ type, wave_index, sentinel_id }) =>
      [type, sentinel_id ?? wave_index].filter((part) => part !== null).join(" "),
    );
  }

  /** Waits until this many invocations of a handler for a sentinel are in a status. */
  async invocations(handler: string, key: string, status: InvocationStatus, count = 1): Promise<void> {
    await eventually(async () => {
      const found = await this.engine.listInvocations({ handler, key, statuses: [status], limit: count + 1 });
      return found.length === count;
    });
  }

  /** Waits until the latest rollout is in a state. */
  async inState(state: string): Promise<void> {
    await eventually(async () => (await this.latest()).state === state);
  }

  /** Waits until these sentinels are being deployed. */
  async inFlight(...ids: string[]): Promise<void> {
    await eventually(async () => {
      const rows = await this.rows("select 1 from sentinels where id = any($1) and deploy_status = 'progressing'", [
        ids,
      ]);
      return rows.length === ids.length;
    });
  }
}

/** What was stopped must have closed its connections; their sockets may take a moment. */
async function assertNobodyConnected(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await eventually(async () => {
      const { rows } = await client.query<{ application_name: string }>(
        "select application_name from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'",
      );
      return rows.length === 0;
    });
  } finally {
    await client.end();
  }
}

export async function startEngine(
  databaseUrl: string,
  options: Partial<RolloutOptions> = {},
  logged: LogLine[] = [],
): Promise<Engine> {
  const note = (fields: object, message: string) => logged.push({ message, fields: { ...fields } });
  const handlers = rolloutHandlers({
    deployTimeoutMs: options.deployTimeoutMs ?? 60_000,
    allowedWebhookHosts: options.allowedWebhookHosts ?? [],
    hasDefaultWebhook: options.hasDefaultWebhook ?? false,
    secretKey: options.secretKey,
    log: { info: note, warn: note },
  });
  const engine = createEngine({ databaseUrl, handlers, limits: { pollMs: 200, drainMs: 500 } });
  await engine.start();
  return engine;
}

/** Running sentinels that have converged on OLD, up to a number; those that are there stay as they are. */
export async function addSentinels(pool: pg.Pool, count: number): Promise<void> {
  await pool.query(
    `insert into sentinels (id, region_id, k8s_namespace, k8s_name, image, running_image, health, available_replicas)
     select id, 'test', 'default', lower(replace(id, '_', '-')), $2, $2, 'healthy', 1
       from (select 'snt_' || lpad(n::text, greatest(2, length($1::int::text)), '0') as id from generate_series(1, $1::int) as n) as fleet
     on conflict do nothing`,
    [count, OLD],
  );
}

export async function call<I extends DescMessage, O extends DescMessage>(
  engine: Engine,
  method: DescMethodUnary<I, O>,
  key: string,
  request: MessageInitShape<I>,
): Promise<Call<MessageShape<O>>> {
  const { invocationId } = await engine.invoke({
    requestId: REQUEST_ID,
    service: method.parent.typeName,
    handler: method.name,
    key,
    input: create(method.input, request),
  });
  const answer = answerOf<O>(engine, method, invocationId);
  answer.catch(() => {});
  return { invocationId, answer };
}

async function answerOf<O extends DescMessage>(
  engine: Engine,
  method: DescMethodUnary<DescMessage, O>,
  invocationId: string,
): Promise<MessageShape<O>> {
  const outcome = await engine.attach(invocationId);
  if (!outcome) throw new Error(`no invocation ${invocationId}`);
  if (!outcome.ok) throw new TerminalError(outcome.message, outcome.kind);
  const handler = engine
    .handlers()
    .find(({ service, name }) => service === method.parent.typeName && name === method.name);
  return handler?.output.decode(outcome.output) as unknown as MessageShape<O>;
}

/** Message of the refusal that a call meets at the door. */
export async function refusal(refused: Promise<unknown>): Promise<{ kind: string; message: string }> {
  try {
    await refused;
  } catch (error) {
    if (error instanceof TerminalError) return { kind: error.kind, message: error.message };
    throw error;
  }
  throw new Error("the call was accepted");
}
