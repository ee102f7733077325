import type pg from "pg";
import type { InvocationFilter, InvocationRecord, InvocationStatus, JournalRecord, Outcome } from "../api.ts";
import type { FailureKind } from "../errors.ts";
import { formatInvocationId } from "../ids.ts";

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
  /** Milliseconds until the next scheduled invocation starts; negative: it is late. */
  readonly nextStartMs: number | undefined;
}

export async function findDueWork(pool: pg.Pool): Promise<DueWork> {
  const { rows } = await pool.query<{ ready: boolean; next_start_ms: number | null }>(
    `select exists (select from engine.invocations where status = 'ready') as ready,
            (select extract(epoch from min(start_at) - clock_timestamp())::float8 * 1000
               from engine.invocations where status in ('scheduled', 'suspended')) as next_start_ms`,
  );
  return { ready: rows[0]?.ready ?? false, nextStartMs: rows[0]?.next_start_ms ?? undefined };
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

function outcomeFromRow({ output, failure_kind, failure, completed_at }: OutcomeRow): Outcome | "pending" {
  if (completed_at === null) return "pending";
  if (failure_kind === null) return { ok: true, output: output ?? "null", completedAt: completed_at };
  return { ok: false, kind: failure_kind, message: failure ?? "", completedAt: completed_at };
}

interface InvocationRow {
  id: string;
  service: string;
  key: string;
  handler: string;
  status: InvocationStatus;
  parent_id: string | null;
  idempotency_key: string | null;
  attempts: number;
  failure: string | null;
  created_at: Date;
  start_at: Date | null;
  completed_at: Date | null;
  input: string;
  output: string | null;
}

const INVOCATION_COLUMNS = `i.id, i.service, i.key, i.handler, i.status, i.parent_id, i.idempotency_key, i.attempts,
       i.failure, i.created_at, i.start_at, i.completed_at, i.input, i.output`;

/** Newest first. Ids come in blocks, one per server: among servers the order is that of their blocks. */
export async function listInvocations(
  pool: pg.Pool,
  filter: Omit<InvocationFilter, "before"> & { before?: number | undefined },
): Promise<InvocationRecord[]> {
  const { rows } = await pool.query<InvocationRow>(
    `select ${INVOCATION_COLUMNS} from engine.invocations i
      where ($1::int8 is null or i.id < $1) and ($2::text is null or i.service = $2)
        and ($3::text is null or i.key = $3) and ($4::text is null or i.handler = $4)
        and ($5::text[] is null or i.status = any($5))
      order by i.id desc limit $6`,
    [filter.before, filter.service, filter.key, filter.handler, filter.statuses, filter.limit],
  );
  return rows.map(invocationFromRow);
}

export async function readInvocation(pool: pg.Pool, id: number): Promise<InvocationRecord | undefined> {
  const { rows } = await pool.query<InvocationRow>(
    `select ${INVOCATION_COLUMNS} from engine.invocations i where i.id = $1`,
    [id],
  );
  return rows[0] && invocationFromRow(rows[0]);
}

const JOURNAL_LIMIT = 1_000;

/** The first thousand entries of a journal, as an operator sees them. */
export async function readJournal(pool: pg.Pool, id: number): Promise<JournalRecord[]> {
  const { rows } = await pool.query<{
    entry: number;
    kind: string;
    name: string;
    value: string | null;
    failure: string | null;
    child_id: string | null;
    completed: boolean;
  }>(
    `select j.entry, j.kind, j.name, coalesce(j.value, c.output) as value, coalesce(j.failure, c.failure) as failure,
            j.child_id, case j.kind when 'call' then c.completed_at is not null
                                    when 'fan_out' then j.open = 0
                                    when 'sleep' then coalesce(t.fire_at <= now(), true)
                                    else true end as completed
       from engine.journal j
       left join engine.invocations c on j.kind = 'call' and c.id = j.child_id
       left join engine.timers t on j.kind = 'sleep' and t.invocation_id = j.invocation_id and t.entry = j.entry
      where j.invocation_id = $1 order by j.entry limit ${JOURNAL_LIMIT}`,
    [id],
  );
  return rows.map((row) => ({
    index: row.entry,
    kind: row.kind,
    name: row.name,
    completed: row.completed,
    ...(row.value === null ? {} : { value: row.value }),
    ...(row.failure === null ? {} : { failure: row.failure }),
    ...(row.child_id === null ? {} : { childId: formatInvocationId(Number(row.child_id)) }),
  }));
}

function invocationFromRow(row: InvocationRow): InvocationRecord {
  return {
    invocationId: formatInvocationId(Number(row.id)),
    service: row.service,
    key: row.key,
    handler: row.handler,
    status: row.status,
    attempts: row.attempts,
    createdAt: row.created_at,
    input: row.input,
    ...(row.parent_id === null ? {} : { parentId: formatInvocationId(Number(row.parent_id)) }),
    ...(row.idempotency_key === null ? {} : { idempotencyKey: row.idempotency_key }),
    ...(row.failure === null ? {} : { failure: row.failure }),
    ...(row.start_at === null ? {} : { startAt: row.start_at }),
    ...(row.completed_at === null ? {} : { completedAt: row.completed_at }),
    ...(row.output === null ? {} : { output: row.output }),
  };
}
