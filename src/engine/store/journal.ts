import type pg from "pg";
import type { FailureKind } from "../errors.ts";
import { type Completion, type EntryKind, type EntryRecord, fanOutValue } from "../journal.ts";
import type { Asked } from "../operations.ts";
import { ASKED } from "./writes.ts";

interface JournalRow {
  invocation_id: string;
  entry: number;
  kind: EntryKind;
  name: string;
  value: string | null;
  failure_kind: FailureKind | null;
  failure: string | null;
  child_id: string | null;
  open: number | null;
  children: number | null;
  failed: number | null;
  child_ended: boolean | null;
  remaining_ms: number | null;
}

// A called invocation's outcome is the outcome of the entry that called it; it
// is stored once, there, unless the entry is a copy. The lateral subqueries (`offset 0` keeps them apart)
// are looked up one by one by primary key, whatever the planner believes of
// the tables' sizes.
const COLUMNS = `j.invocation_id, j.entry, j.kind, j.name,
       coalesce(j.value, c.output) as value, coalesce(j.failure_kind, c.failure_kind) as failure_kind,
       coalesce(j.failure, c.failure) as failure, j.child_id, j.open, j.children, j.failed,
       j.value is not null or j.failure_kind is not null or c.completed_at is not null as child_ended`;

function entriesOf(condition: string): string {
  return `from unnest($1::int8[]) as w(id)
         cross join lateral (
           select * from engine.journal where invocation_id = w.id and (${condition}) order by entry offset 0
         ) as j
          left join lateral (
           select output, failure_kind, failure, completed_at from engine.invocations
            where j.kind = 'call' and id = j.child_id offset 0
         ) as c on true`;
}

/** Journals of invocations, to be replayed. Those without entries are missing. */
export async function loadJournals(pool: pg.Pool, ids: readonly number[]): Promise<Map<number, EntryRecord[]>> {
  const { rows } = await pool.query<JournalRow>({
    name: "load_journals",
    text: `select ${COLUMNS}, extract(epoch from t.fire_at - clock_timestamp())::float8 * 1000 as remaining_ms
             ${entriesOf("true")}
             left join lateral (
               select fire_at from engine.timers
                where j.kind = 'sleep' and invocation_id = j.invocation_id and entry = j.entry offset 0
             ) as t on true`,
    values: [ids],
  });
  return byInvocation(rows);
}

/** Of invocations that wait: what they wait for and has come. */
export async function loadCompletions(pool: pg.Pool, ids: readonly number[]): Promise<Map<number, EntryRecord[]>> {
  const { rows } = await pool.query<JournalRow>({
    name: "load_completions",
    text: `select ${COLUMNS}, null::float8 as remaining_ms
             ${entriesOf("kind in ('awakeable', 'call') or (kind = 'fan_out' and open = 0)")}`,
    values: [ids],
  });
  return byInvocation(rows);
}

/** What operators want of these invocations. */
export async function loadAsked(pool: pg.Pool, ids: readonly number[]): Promise<Map<number, Asked>> {
  const { rows } = await pool.query<{ id: string; asked: Asked }>({
    name: "load_asked",
    text: `select i.id, ${ASKED} as asked from unnest($1::int8[]) as w(id)
             join engine.invocations i on i.id = w.id
            where i.stop_requested is not null or i.pause_requested`,
    values: [ids],
  });
  return new Map(rows.map((row) => [Number(row.id), row.asked]));
}

function byInvocation(rows: readonly JournalRow[]): Map<number, EntryRecord[]> {
  const journals = new Map<number, EntryRecord[]>();
  for (const row of rows) {
    const id = Number(row.invocation_id);
    const journal = journals.get(id);
    if (journal) journal.push(entryFromRow(row));
    else journals.set(id, [entryFromRow(row)]);
  }
  return journals;
}

function entryFromRow(row: JournalRow): EntryRecord {
  return {
    entry: row.entry,
    kind: row.kind,
    name: row.name,
    completion: completionFromRow(row),
    childId: row.child_id === null ? undefined : Number(row.child_id),
    remainingMs: row.remaining_ms ?? undefined,
  };
}

function completionFromRow(row: JournalRow): Completion | undefined {
  if (row.kind === "sleep" || (row.kind === "call" && !row.child_ended)) return undefined;
  if (row.kind === "fan_out") {
    return row.open === 0 ? { ok: true, value: fanOutValue(row.children ?? 0, row.failed ?? 0) } : undefined;
  }
  if (row.failure_kind !== null) return { ok: false, kind: row.failure_kind, message: row.failure ?? "" };
  return { ok: true, value: row.value ?? "null" };
}
