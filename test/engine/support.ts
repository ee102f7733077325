import pg from "pg";
import { expect } from "vitest";
import {
  type AnyHandler,
  type Context,
  createEngine,
  defineEffect,
  defineHandler,
  type Engine,
  type EngineLimits,
  type EngineLog,
  type EngineObserver,
  type EngineOptions,
  type HandlerDefinition,
  type HandlerOptions,
  jsonCodec,
  type Outcome,
} from "../../src/engine/index.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";

// What the engine's tests share: handlers made of plain functions, engines that
// are stopped with their test, and a look at the tables.

type Options<I, O> = Partial<Omit<HandlerOptions<I, O>, "name" | "run">>;

/** A public handler of the service `test`, exclusive unless said otherwise, with JSON messages. */
export function handler<I = null, O = unknown>(
  name: string,
  run: (ctx: Context, input: I) => Promise<O>,
  options: Options<I, O> = {},
): HandlerDefinition<I, O> {
  const codecs = { input: jsonCodec<I>(), output: jsonCodec<O>() };
  return defineHandler({ service: "test", name, kind: "exclusive", public: true, run, ...codecs, ...options });
}

export const shared = { kind: "shared" } as const;

/** Quick enough for tests; each may ask for others. */
const LIMITS: Partial<EngineLimits> = { leaseMs: 2_000, pollMs: 200, drainMs: 2_000 };

export interface StartOptions {
  limits?: Partial<EngineLimits>;
  log?: EngineLog;
  observer?: EngineObserver;
  services?: NonNullable<EngineOptions["services"]>;
}

/** A handler of any message types. */
export type Registered = Pick<AnyHandler, "service" | "name">;

/** An engine that is stopped at the end of its block: `await using engine = await startEngine(…)`. */
export async function startEngine(
  databaseUrl: string,
  handlers: readonly Registered[],
  { limits, log, observer, services }: StartOptions = {},
): Promise<TestEngine> {
  const engine = createEngine({
    databaseUrl,
    handlers: handlers as readonly AnyHandler[],
    limits: { ...LIMITS, ...limits },
    ...(log ? { log } : {}),
    ...(observer ? { observer } : {}),
    ...(services ? { services } : {}),
  });
  await engine.start();
  return Object.assign(engine, { [Symbol.asyncDispose]: () => engine.stop() });
}

export type TestEngine = Engine & AsyncDisposable;

/** Calls a handler of the service `test`; answers with the invocation's id. */
export async function send(engine: Engine, name: string, key = "k", input: unknown = null): Promise<string> {
  return (await engine.invoke({ service: "test", handler: name, key, input })).invocationId;
}

/** Calls a handler and waits for its end. */
export async function outcomeOf(engine: Engine, name: string, key = "k", input: unknown = null): Promise<Outcome> {
  return ended(engine, await send(engine, name, key, input));
}

/** Calls a handler and answers with its output; fails where it did. */
export async function callOf(engine: Engine, name: string, key = "k", input: unknown = null): Promise<unknown> {
  return outputOf(await outcomeOf(engine, name, key, input));
}

export async function ended(engine: Engine, invocationId: string): Promise<Outcome> {
  const outcome = await engine.attach(invocationId);
  if (!outcome) throw new Error(`there is no invocation ${invocationId}`);
  return outcome;
}

export function outputOf(outcome: Outcome): unknown {
  if (!outcome.ok) throw new Error(`${outcome.kind}: ${outcome.message}`);
  return JSON.parse(outcome.output);
}

export async function statusOf(engine: Engine, invocationId: string): Promise<string | undefined> {
  return (await engine.getInvocation(invocationId))?.invocation.status;
}

export async function waitForStatus(engine: Engine, invocationId: string, status: string): Promise<void> {
  await eventually(async () => expect(await statusOf(engine, invocationId)).toBe(status));
}

/** Timers that keep this process alive. */
export function countTimers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}

/** A promise that the test completes when it wants to; `entered` tells that a handler has got there. */
export interface Gate {
  readonly entered: Promise<void>;
  pass(): Promise<void>;
  open(): void;
}

export function gate(): Gate {
  const entered = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  return {
    entered: entered.promise,
    pass: () => {
      entered.resolve();
      return opened.promise;
    },
    open: () => opened.resolve(),
  };
}

/** Runs one statement on a connection of its own. */
export async function query<Row extends pg.QueryResultRow>(
  databaseUrl: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** A database with the table that `mark` and `advance` write: how often each name was marked. `forbidden` is refused. */
export async function createMarks(): Promise<TestDatabase> {
  const database = await createDatabase();
  await createMarksTable(database.url);
  return database;
}

export async function createMarksTable(databaseUrl: string): Promise<void> {
  const name = "name text primary key check (name <> 'forbidden')";
  await query(databaseUrl, `create table marks (${name}, count integer not null)`);
}

export async function marksOf(databaseUrl: string): Promise<Record<string, number>> {
  const rows = await query<{ name: string; count: number }>(databaseUrl, "select name, count from marks");
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
}

/** Counts a name up; always hits. */
export const mark = defineEffect<{ name: string }, { count: number }>({
  name: "mark",
  input: { name: "text" },
  output: { count: "int4" },
  sql: `with done as (
          insert into marks as m (name, count) select name, 1 from $input order by name
          on conflict (name) do update set count = m.count + 1
          returning m.name, m.count
        )
        select ord, count from done join $input using (name)`,
  record: ({ name }) => name,
});

/** Counts a name up where it has been counted so often; else it misses. */
export const advance = defineEffect<{ name: string; expected: number }, { count: number }>({
  name: "advance",
  input: { name: "text", expected: "int4" },
  output: { count: "int4" },
  sql: `update marks m set count = m.count + 1 from $input where m.name = input.name and m.count = input.expected
        returning ord, m.count`,
  record: ({ name }) => name,
});

/** Takes a lock in a transaction of its own, and keeps it until the gate is opened. */
export async function holdLock(databaseUrl: string, text: string, until: Gate, values: unknown[] = []): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("begin");
    await client.query(text, values);
    await until.pass();
    await client.query("commit");
  } finally {
    await client.end();
  }
}

/** Keeps a row of `marks` locked until the gate is opened. */
export function holdRow(databaseUrl: string, name: string, until: Gate): Promise<void> {
  return holdLock(databaseUrl, "select from marks where name = $1 for update", until, [name]);
}

/** Backends that wait for a lock of somebody else. */
export function blocked(databaseUrl: string): Promise<{ pid: number }[]> {
  return query(
    databaseUrl,
    `select pid from pg_stat_activity
      where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0`,
  );
}
