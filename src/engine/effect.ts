// Effects: set-based statements of the domain that commit together with the
// engine's own writes.
//
// A handler never sends SQL. It adds a row to a registered effect; the
// committer runs the effect's statement once per batch for all rows that
// gathered and hands each row its own result. An effect therefore costs no
// round trip per row, and its result, its journal entry and whatever depends
// on it commit together or not at all.

/** Postgres type of a column that goes in or comes out. `int8` is a JavaScript number and must stay below 2^53. */
export type ColumnType = "text" | "int4" | "int8" | "bool" | "float8" | "json";

/** What the engine itself does in the same commit because of an effect's result. */
export type EffectAction =
  /** Complete an awakeable; `value` is any JSON value. */
  | { kind: "resolve"; awakeableId: string; value: unknown }
  /** Cancel an invocation (its handler gets a CancelledError at its next await). */
  | { kind: "cancel"; invocationId: string };

export interface EffectOptions<Row, Result> {
  /** Unique among all effects; also the name of the prepared statement. */
  name: string;
  /** Columns of a row, in the order of the statement's parameters. */
  input: { readonly [K in keyof Row & string]: ColumnType };
  /** Columns the statement returns after `ord`, in order. */
  output: { readonly [K in keyof Result & string]: ColumnType };
  /**
   * One statement. `$input` stands for the gathered rows: a table function
   * `input(<columns in snake_case>, ord)`. It returns `ord` first, then the
   * output columns, at most one row per `ord`; a row that is missing tells the
   * caller `null` (a compare-and-set that missed). Name columns explicitly.
   */
  sql: string;
  /**
   * Runs once at the head of a batch that has rows of this effect, before every
   * effect; effects that name the same text share one run. Takes locks that
   * order such batches, for example the row of a log's position.
   */
  prelude?: string;
  /** Runs once after all effects of the batch; the same text runs once. Used for NOTIFY. */
  epilogue?: string;
  /**
   * The record that a row touches. Of two rows of one effect with the same
   * record the later one waits for the next batch. Unset: rows never collide.
   */
  record?: (row: Row) => string;
  /** What the engine does in the same commit. Pure: may run again when a batch is retried. */
  actions?: (row: Row, result: Result) => readonly EffectAction[];
}

/** A registered set-based statement. Immutable; share it freely. */
export interface Effect<Row, Result> extends Readonly<EffectOptions<Row, Result>> {
  /** The statement with `$input` filled in. */
  readonly statement: string;
}

/** An effect with one row for it, its types closed over. */
export interface EffectCall {
  readonly effect: Effect<never, never>;
  readonly row: unknown;
  /** See `effectCall`. */
  readonly committed?: (result: unknown) => void;
}

const ARRAY_TYPE: Record<ColumnType, string> = {
  text: "text[]",
  int4: "int4[]",
  int8: "int8[]",
  bool: "bool[]",
  float8: "float8[]",
  json: "json[]",
};

/** Defines an effect. The statement's text is fixed here, so that it can be prepared once per connection. */
export function defineEffect<Row extends object, Result extends object>(
  options: EffectOptions<Row, Result>,
): Effect<Row, Result> {
  const input = Object.entries<ColumnType>(options.input);
  if (input.length === 0) throw new Error(`effect ${options.name}: at least one input column is needed`);
  const parameters = input.map(([, type], i) => `$${i + 1}::${ARRAY_TYPE[type]}`);
  const columns = [...input.map(([name]) => snakeCase(name)), "ord"];
  const rows = `unnest(${parameters.join(", ")}) with ordinality as input(${columns.join(", ")})`;
  return { ...options, statement: options.sql.replaceAll("$input", rows) };
}

/**
 * Binds a row to an effect, for the places that take any effect. `committed`
 * hears of the result after the commit, for what must not be told twice, such
 * as metrics: in the process that wrote it, not in replays, and not at all where
 * that process lost the database before it knew. It must not throw.
 */
export function effectCall<Row, Result>(
  effect: Effect<Row, Result>,
  row: Row,
  committed?: (result: Result | null) => void,
): EffectCall {
  return committed ? { effect, row, committed: committed as (result: unknown) => void } : { effect, row };
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
