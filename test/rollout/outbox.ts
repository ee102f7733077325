import pg from "pg";
import type { Notifications } from "../../src/gen/hydra/v1/sentinel_rollout_pb.ts";
import { type NotifierOptions, readRollout, startNotifier } from "../../src/rollout/index.ts";
import { sealWebhook, webhookKeyFrom } from "../../src/rollout/webhook-secret.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { type LogLine, startEngine } from "./world.ts";

/** Short ones, so that a test takes its time only where it waits for a webhook. */
const DURATIONS = { pollMs: 20, firstRetryMs: 20, longestRetryMs: 100, longestRepeatMs: 100, stopGraceMs: 200 };

type NotifierSettings = Partial<Omit<NotifierOptions, "durations">> & {
  durations?: Partial<NonNullable<NotifierOptions["durations"]>>;
};

/** A server that sends messages, in this process. */
export interface TestNotifier {
  readonly logged: LogLine[];
  readonly outcomes: string[];
  stop(): Promise<void>;
}

/** A database with rollouts of which there is something to tell, and the servers that do. */
export class Outbox implements AsyncDisposable {
  readonly database: TestDatabase;
  readonly pool: pg.Pool;
  readonly #notifiers: TestNotifier[] = [];
  #rollouts = 0;

  private constructor(database: TestDatabase, pool: pg.Pool) {
    this.database = database;
    this.pool = pool;
  }

  static async create(): Promise<Outbox> {
    const database = await createDatabase();
    const pool = new pg.Pool({ connectionString: database.url, max: 4 });
    pool.on("connect", (client) => client.on("error", () => {}));
    return new Outbox(database, pool);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#notifiers.map((notifier) => notifier.stop()));
    await this.pool.end();
    await this.database[Symbol.asyncDispose]();
  }

  /** A completed rollout with a webhook: its own, or without `url` the default. Returns its id. */
  async rollout({ url, secretKey }: { url?: string; secretKey?: string } = {}): Promise<string> {
    const id = `rol_${++this.#rollouts}`;
    await this.pool.query(
      `insert into rollouts (id, image, wave_percentages, state, driver, notifies, webhook)
       values ($1, 'registry.test/sentinel:2', '{100}', 'completed', 'inv_1', true, $2)`,
      [id, url === undefined ? "default" : "own"],
    );
    if (url !== undefined) await this.rememberWebhook(id, url, secretKey);
    return id;
  }

  /** Stores a webhook for a rollout, as its start does. */
  async rememberWebhook(id: string, url: string, secretKey?: string): Promise<void> {
    const { bytes, encrypted } = sealWebhook(url, id, secretKey === undefined ? undefined : webhookKeyFrom(secretKey));
    await this.pool.query("insert into webhooks (rollout_id, url, encrypted) values ($1, $2, $3)", [
      id,
      bytes,
      encrypted,
    ]);
  }

  /** Events of a rollout that people are to be told of, by type, in one commit. */
  async tell(rolloutId: string, ...types: string[]): Promise<void> {
    await this.pool.query(
      `with log as (
         update rollout_log set event_sequence = event_sequence + cardinality($2::text[]) returning event_sequence),
       numbered as (
         select log.event_sequence - cardinality($2::text[]) + t.ord as sequence, t.type
           from log cross join unnest($2::text[]) with ordinality as t(type, ord)),
       event as (
         insert into rollout_events (sequence, time, rollout_id, state, type, wave_index, wave_size)
         select sequence, now(), $1, 'completed', type, case when type like 'wave%' then 0 end, 1 from numbered)
       insert into notifications (sequence, rollout_id) select sequence, $1 from numbered`,
      [rolloutId, types],
    );
  }

  /** Starts a server that sends messages, by default to any webhook on 127.0.0.1; it stops with the outbox at the latest. */
  async notifier({ durations, ...settings }: NotifierSettings = {}): Promise<TestNotifier> {
    const logged: LogLine[] = [];
    const outcomes: string[] = [];
    const note = (fields: object, message: string) => logged.push({ message, fields: { ...fields } });
    const engine = await startEngine(this.database.url);
    const { stop } = startNotifier({
      engine,
      pool: this.pool,
      log: { info: note, warn: note },
      allowedWebhookHosts: ["127.0.0.1"],
      observer: { tried: (outcome) => outcomes.push(outcome) },
      durations: { ...DURATIONS, ...durations },
      ...settings,
    });
    const notifier = { logged, outcomes, stop: () => stop().then(() => engine.stop()) };
    this.#notifiers.push(notifier);
    return notifier;
  }

  /** What `hydra status` says of a rollout's messages. */
  async status(rolloutId: string): Promise<Pick<Notifications, "sent" | "waiting" | "dropped" | "lastFailure">> {
    const rollout = await readRollout(this.pool, rolloutId);
    if (!rollout?.notifications) throw new Error(`no rollout ${rolloutId}`);
    const { sent, waiting, dropped, lastFailure } = rollout.notifications;
    return { sent, waiting, dropped, lastFailure };
  }

  /** Rollouts whose webhook is still stored. */
  async webhooks(): Promise<string[]> {
    const { rows } = await this.pool.query<{ id: string }>("select rollout_id as id from webhooks order by rollout_id");
    return rows.map(({ id }) => id);
  }

  /** Tables of which some row has a text, the one that may have it left out. */
  async tablesWith(text: string): Promise<string[]> {
    const { rows: tables } = await this.pool.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
        where schemaname in ('public', 'engine') and tablename <> 'webhooks'`,
    );
    const found: string[] = [];
    for (const { name } of tables) {
      const { rowCount } = await this.pool.query(`select 1 from ${name} as t where strpos(t::text, $1) > 0 limit 1`, [
        text,
      ]);
      if (rowCount) found.push(name);
    }
    return found;
  }
}
