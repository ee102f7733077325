import type pg from "pg";
import type { InvocationFilter, InvocationRecord, InvocationStatus, JournalRecord } from "../api.ts";
import { formatInvocationId, parseInvocationId } from "../ids.ts";
import type { FailureKind } from "../errors.ts";
import type { Asked } from "../operations.ts";
import { SERVED } from "./claimable.ts";
import { ASKED } from "./writes.ts";

// Invocations and journals as an operator sees them.

interface InvocationRow {
  id: string;
  service: string;
  key: string;
  handler: string;
  status: InvocationStatus;
  asked: Asked | null;
  unserved: boolean;
  parent_id: string | null;
  idempotency_key: string | null;
  attempts: number;
  failures: number;
  failure_kind: FailureKind | null;
  failure: string | null;
  created_at: Date;
  start_at: Date | null;
  completed_at: Date | null;
  input: string;
  output: string | null;
}

const COLUMNS = `i.id, i.service, i.key, i.handler, i.status, ${ASKED} as asked,
       i.status = 'ready' and not ${SERVED} as unserved, i.parent_id, i.idempotency_key, i.attempts, i.failures,
       i.failure_kind, i.failure, i.created_at, i.start_at, i.completed_at, i.input, i.output`;

// Whatever an invocation has called stands in its journal: there is no index on parents.
const CHILDREN = `
        select generate_series(j.child_id, j.child_id + coalesce(j.children, 1) - 1)
          from engine.journal j where j.invocation_id = $8::int8 and j.child_id is not null`;

/**
 * Newest first, by id, which never changes: a page goes on where the one before
 * ended, whatever became of its rows. Ids come in blocks, one per server: among
 * servers the order is that of their blocks.
 */
export async function listInvocations(pool: pg.Pool, filter: InvocationFilter): Promise<InvocationRecord[]> {
  const { rows } = await pool.query<InvocationRow>(
    `select ${COLUMNS} from engine.invocations i
      where ($1::int8 is null or i.id < $1) and ($2::text is null or i.service = $2)
        and ($3::text is null or i.key = $3) and ($4::text is null or i.handler = $4)
        and ($5::text[] is null or i.status = any($5))
        and ($6::timestamptz is null or i.created_at >= $6) and ($7::timestamptz is null or i.created_at < $7)
        and ($8::int8 is null or i.id = any(array(${CHILDREN})))
      order by i.id desc limit $9`,
    [
      idOf(filter.before),
      filter.service,
      filter.key,
      filter.handler,
      filter.statuses,
      filter.createdFrom,
      filter.createdBefore,
      idOf(filter.parentId),
      filter.limit,
    ],
  );
  return rows.map(invocationFromRow);
}

function idOf(invocationId: string | undefined): number | undefined {
  return invocationId === undefined ? undefined : parseInvocationId(invocationId);
}

export async function readInvocation(pool: pg.Pool, id: number): Promise<InvocationRecord | undefined> {
  const { rows } = await pool.query<InvocationRow>(`select ${COLUMNS} from engine.invocations i where i.id = $1`, [id]);
  return rows[0] && invocationFromRow(rows[0]);
}

interface JournalRow {
  entry: number;
  kind: string;
  name: string;
  value: string | null;
  failure: string | null;
  child_id: string | null;
  children: number | null;
  open: number | null;
  failed: number | null;
  recorded_at: Date | null;
  completed_at: Date | null;
  fire_at: Date | null;
  duration_ms: number | null;
  tries: number | null;
  completed: boolean;
}

/** Of an entry `j` and the invocation `c` that it called; of a sleep, its timer tells. */
const COMPLETED = `case j.kind when 'call' then c.completed_at is not null or j.value is not null or j.failure_kind is not null
                 when 'fan_out' then j.open = 0
                 else true end`;

const JOURNAL_LIMIT = 1_000;

/** The first thousand entries of a journal. */
export async function readJournal(pool: pg.Pool, id: number): Promise<JournalRecord[]> {
  const { rows } = await pool.query<JournalRow>(
    `select j.entry, j.kind, j.name, coalesce(j.value, c.output) as value, coalesce(j.failure, c.failure) as failure,
            j.child_id, j.children, j.open, j.failed, j.recorded_at, c.completed_at, t.fire_at, j.duration_ms, j.tries,
            case j.kind when 'sleep' then coalesce(t.fire_at <= now(), true) else ${COMPLETED} end as completed
       from engine.journal j
       left join engine.invocations c on j.kind = 'call' and c.id = j.child_id
       left join engine.timers t on j.kind = 'sleep' and t.invocation_id = j.invocation_id and t.entry = j.entry
      where j.invocation_id = $1 order by j.entry limit ${JOURNAL_LIMIT}`,
    [id],
  );
  return rows.map(journalFromRow);
}

/** What an invocation has called and waits for, and what that has: those that have not ended, the deepest first. */
export async function findOpenDescendants(pool: pg.Pool, id: number): Promise<number[]> {
  const { rows } = await pool.query<{ id: string }>(
    `with recursive descendants as (
       select $1::int8 as id, 0 as depth
        union all
       select c.id, d.depth + 1
         from descendants d
         join engine.journal j on j.invocation_id = d.id and j.kind in ('call', 'fan_out') and j.open is distinct from 0
        cross join lateral generate_series(j.child_id, j.child_id + coalesce(j.children, 1) - 1) as of(id)
         join engine.invocations c on c.id = of.id and c.completed_at is null
     )
     select id from descendants where depth > 0 order by depth desc, id`,
    [id],
  );
  return rows.map((row) => Number(row.id));
}

/** How many entries of an ended one's journal, from the first on, have completed. */
export async function countKeepable(pool: pg.Pool, id: number): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*)::int4 as count from (
       select j.entry, row_number() over (order by j.entry) - 1 as place,
              bool_and(${COMPLETED}) over (order by j.entry) as completed
         from engine.journal j
         left join engine.invocations c on j.kind = 'call' and c.id = j.child_id
        where j.invocation_id = $1
     ) as e where e.completed and e.entry = e.place`,
    [id],
  );
  return rows[0]?.count ?? 0;
}

function journalFromRow(row: JournalRow): JournalRecord {
  return {
    index: row.entry,
    kind: row.kind,
    name: row.name,
    completed: row.completed,
    ...given("value", row.value),
    ...given("failure", row.failure),
    ...given("childId", row.child_id === null ? null : formatInvocationId(Number(row.child_id))),
    ...given("children", row.children),
    ...given("open", row.open),
    ...given("failed", row.failed),
    ...given("recordedAt", row.recorded_at),
    ...given("completedAt", row.completed_at),
    ...given("firesAt", row.fire_at),
    ...given("durationMs", row.duration_ms),
    ...given("tries", row.tries),
  };
}

function invocationFromRow(row: InvocationRow): InvocationRecord {
  return {
    invocationId: formatInvocationId(Number(row.id)),
    service: row.service,
    key: row.key,
    handler: row.handler,
    status: row.status,
    unserved: row.unserved,
    attempts: row.attempts,
    failures: row.failures,
    createdAt: row.created_at,
    input: row.input,
    ...given("asked", row.asked),
    ...given("parentId", row.parent_id === null ? null : formatInvocationId(Number(row.parent_id))),
    ...given("idempotencyKey", row.idempotency_key),
    ...given("failureKind", row.failure_kind),
    ...given("failure", row.failure),
    ...given("startAt", row.start_at),
    ...given("completedAt", row.completed_at),
    ...given("output", row.output),
  };
}

function given<K extends string, V>(name: K, value: V | null): { [P in K]?: V } {
  return value === null ? {} : ({ [name]: value } as { [P in K]: V });
}
