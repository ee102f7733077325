import type pg from "pg";
import type { Outcome } from "../api.ts";
import type { FailureKind } from "../errors.ts";
import { claimable } from "./claimable.ts";

/** What the engine reads outside batches. */

export async function readSecret(pool: pg.Pool): Promise<Buffer> {
  const { rows } = await pool.query<{ secret: Buffer }>("select secret from engine.shared");
  const [row] = rows;
  if (!row) throw new Error("engine.shared has no row: restore the database from a backup");
  return row.secret;
}

export interface DueWork {
  /** Somebody must take over what is ready. */
  readonly ready: boolean;
  /** Other nodes are up, or died just now. */
  readonly peers: boolean;
  /** Milliseconds until the next scheduled invocation starts; negative: it is late. */
  readonly nextStartMs: number | undefined;
}

/** `nodeId`: who asks. */
export async function findDueWork(pool: pg.Pool, nodeId: number): Promise<DueWork> {
  const { rows } = await pool.query<{ ready: boolean; peers: boolean; next_start_ms: number | null }>(
    `select exists (select from engine.invocations i where i.status = 'ready' and ${claimable("$1::int8")}) as ready,
            exists (select from engine.nodes n where n.fenced_at is null and n.id <> $1::int8) as peers,
            (select extract(epoch from min(start_at) - clock_timestamp())::float8 * 1000
               from engine.invocations where status in ('scheduled', 'suspended')) as next_start_ms`,
    [nodeId],
  );
  return {
    ready: rows[0]?.ready ?? false,
    peers: rows[0]?.peers ?? false,
    nextStartMs: rows[0]?.next_start_ms ?? undefined,
  };
}

export async function readState(
  pool: pg.Pool,
  service: string,
  key: string,
  name: string,
): Promise<string | undefined> {
  const { rows } = await pool.query<{ value: string }>(
    "select value from engine.state where service = $1 and key = $2 and name = $3",
    [service, key, name],
  );
  return rows[0]?.value;
}

export async function readStates(pool: pg.Pool, service: string, key: string): Promise<Map<string, string>> {
  const { rows } = await pool.query<{ name: string; value: string }>(
    "select name, value from engine.state where service = $1 and key = $2 order by name",
    [service, key],
  );
  return new Map(rows.map((row) => [row.name, row.value]));
}

export async function findByIdempotencyKey(
  pool: pg.Pool,
  call: { service: string; key: string; handler: string; idempotencyKey: string },
): Promise<number | undefined> {
  const { rows } = await pool.query<{ invocation_id: string }>(
    `select invocation_id from engine.idempotency
      where service = $1 and key = $2 and handler = $3 and idempotency_key = $4`,
    [call.service, call.key, call.handler, call.idempotencyKey],
  );
  return rows[0] && Number(rows[0].invocation_id);
}

interface OutcomeRow {
  id: string;
  output: string | null;
  failure_kind: FailureKind | null;
  failure: string | null;
  completed_at: Date | null;
}

/** Of those invocations that there are: how they ended, or that they have not. */
export async function readOutcomes(pool: pg.Pool, ids: readonly number[]): Promise<Map<number, Outcome | "pending">> {
  const { rows } = await pool.query<OutcomeRow>({
    name: "read_outcomes",
    text: `select i.id, i.output, i.failure_kind, i.failure, i.completed_at
             from unnest($1::int8[]) as w(id) join engine.invocations i on i.id = w.id`,
    values: [ids],
  });
  return new Map(rows.map((row) => [Number(row.id), outcomeFromRow(row)]));
}

/**
 * Those of these ids that are not in the database: nobody who waits for them will ever hear. A replica that only reads
 * may just not have them yet.
 */
export async function findMissing(pool: pg.Pool, ids: readonly number[]): Promise<number[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select w.id from unnest($1::int8[]) as w(id)
      where not pg_is_in_recovery() and not exists (select from engine.invocations i where i.id = w.id)`,
    [ids],
  );
  return rows.map(({ id }) => Number(id));
}

function outcomeFromRow({ output, failure_kind, failure, completed_at }: OutcomeRow): Outcome | "pending" {
  if (completed_at === null) return "pending";
  if (failure_kind === null) return { ok: true, output: output ?? "null", completedAt: completed_at };
  return { ok: false, kind: failure_kind, message: failure ?? "", completedAt: completed_at };
}
