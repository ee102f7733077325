import type {
  AttemptFailure,
  Birth,
  Completion,
  EntryWrite,
  ForgetKey,
  HandBack,
  HandedBack,
  JournalCopy,
  Resolution,
  StateWrite,
  Suspension,
  TimerWrite,
} from "../operations.ts";
import { type Columns, statementOver } from "./columns.ts";
import type { Statement } from "./pipeline.ts";

// One set-based statement per kind of operation. Tables are reached from the
// rows by primary key (nested loops): writer connections plan nothing else, see
// store/connection.ts.

/** What an operator asked of an invocation (`Asked`): of two requests the one that counts. */
export const ASKED = `case when i.pause_requested and i.stop_requested is distinct from 'kill' then 'pause'
       else i.stop_requested end`;

/** Columns of engine.invocations that `ownedInvocationFromRow` reads, in its order. */
export const OWNED_COLUMNS = `i.id, i.service, i.key, i.handler, i.exclusive, i.priority, i.parent_id, i.parent_entry,
       i.input, i.attempts, i.failures, ${ASKED}, i.superseded_by, i.request_id, i.failure_kind,
       extract(epoch from i.failing_since) * 1000`;

interface KeyDemand {
  service: string;
  key: string;
  first: number;
  more: number;
}

const KEY_COLUMNS: Columns<KeyDemand> = [
  ["text", (row) => row.service],
  ["text", (row) => row.key],
  ["int8", (row) => row.first],
  ["int4", (row) => row.more],
];

/**
 * Takes the keys of exclusive invocations, or places in their lines. The row of
 * a key that is held is locked, too: a birth and a completion that did not see
 * each other would leave a key that nobody wakes. Where calls from outside join,
 * returns the lines in which at least `crowdedFrom` wait.
 */
export function acquireKeys(births: readonly Birth[], crowdedFrom: number): Statement | undefined {
  const demands = new Map<string, KeyDemand>();
  for (const { id, service, key } of births.filter(takesKey)) {
    const name = `${service}/${key}`;
    const demand = demands.get(name);
    if (demand) demand.more++;
    else demands.set(name, { service, key, first: id, more: 0 });
  }
  if (demands.size === 0) return undefined;
  const text = `
    insert into engine.keys as k (service, key, holder, waiting)
    select d.service, d.key, d.first, d.more
      from unnest($1::text[], $2::text[], $3::int8[], $4::int4[]) as d(service, key, first, more)
     order by d.service, d.key
    on conflict (service, key) do update set waiting = k.waiting + excluded.waiting + 1`;
  const rows = [...demands.values()];
  if (births.every(({ parentId }) => parentId !== undefined))
    return statementOver("acquire_keys", text, KEY_COLUMNS, rows);
  const telling = `with acquired as (${text} returning service, key, waiting)
    select service, key, waiting from acquired where waiting >= $5::int4`;
  return statementOver("acquire_keys_telling", telling, KEY_COLUMNS, rows, [String(crowdedFrom)]);
}

export function takesKey({ exclusive, delayMs }: Birth): boolean {
  return exclusive && delayMs === undefined;
}

const BIRTH_COLUMNS: Columns<Birth> = [
  ["int8", (row) => row.id],
  ["text", (row) => row.service],
  ["text", (row) => row.key],
  ["text", (row) => row.handler],
  ["bool", (row) => row.exclusive],
  ["int4", (row) => row.priority],
  ["bool", (row) => row.claim],
  ["text", (row) => row.input],
  ["int8", (row) => row.parentId],
  ["int4", (row) => row.parentEntry],
  ["float8", (row) => row.delayMs],
  ["text", (row) => row.idempotencyKey],
  ["text", (row) => row.requestId],
  ["text", (row) => row.answer],
];

/** After `acquireKeys`: who holds its key runs or is ready, who does not is queued. Returns id and status. */
export function insertInvocations(births: readonly Birth[], nodeId: number): Statement {
  const text = `
    insert into engine.invocations (id, service, key, handler, exclusive, status, owner, priority, parent_id,
           parent_entry, input, output, attempts, idempotency_key, request_id, start_at, completed_at)
    select b.id, b.service, b.key, b.handler, b.exclusive, s.status,
           case when s.status = 'running' then $15::int8 end, b.priority, b.parent_id,
           b.parent_entry, b.input, b.answer, case when s.status = 'running' then 1 else 0 end, b.idempotency_key,
           b.request_id, now() + b.delay_ms * interval '1 millisecond', case when b.answer is not null then now() end
      from unnest($1::int8[], $2::text[], $3::text[], $4::text[], $5::bool[], $6::int4[], $7::bool[], $8::text[],
                  $9::int8[], $10::int4[], $11::float8[], $12::text[], $13::text[], $14::text[]) with ordinality
           as b(id, service, key, handler, exclusive, priority, claim, input, parent_id, parent_entry, delay_ms,
                idempotency_key, request_id, answer, ord)
     cross join lateral (select case
             when b.answer is not null then 'succeeded'
             when b.delay_ms is not null then 'scheduled'
             when b.exclusive and b.id <> (select k.holder from engine.keys k
                                            where k.service = b.service and k.key = b.key) then 'queued'
             when b.claim then 'running'
             else 'ready' end as status) s
     order by b.ord
    returning id, status`;
  return statementOver("insert_invocations", text, BIRTH_COLUMNS, births, [String(nodeId)]);
}

const ENTRY_COLUMNS: Columns<EntryWrite> = [
  ["int8", (row) => row.invocationId],
  ["int4", (row) => row.entry],
  ["text", (row) => row.entryKind],
  ["text", (row) => row.name],
  ["text", (row) => row.value],
  ["text", (row) => row.failureKind],
  ["text", (row) => row.failure],
  ["int8", (row) => row.childId],
  ["int4", (row) => row.children],
  ["int4", (row) => row.durationMs],
  ["int4", (row) => row.tries],
];

export function insertEntries(entries: readonly EntryWrite[]): Statement {
  const text = `
    insert into engine.journal (invocation_id, entry, kind, name, value, failure_kind, failure, child_id, children, open,
           failed, duration_ms, tries)
    select e.invocation_id, e.entry, e.kind, e.name, e.value, e.failure_kind, e.failure, e.child_id, e.children, e.children,
           case when e.children is not null then 0 end, e.duration_ms, e.tries
      from unnest($1::int8[], $2::int4[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int8[], $9::int4[],
                  $10::int4[], $11::int4[])
           as e(invocation_id, entry, kind, name, value, failure_kind, failure, child_id, children, duration_ms, tries)`;
  return statementOver("insert_entries", text, ENTRY_COLUMNS, entries);
}

export function copyJournal({ from, to, entries }: JournalCopy): Statement {
  const text = "select engine.copy_journal($1::int8, $2::int8, $3::int4)";
  return { name: "copy_journal", text, values: [String(from), String(to), String(entries)] };
}

const STATE_COLUMNS: Columns<StateWrite> = [
  ["text", (row) => row.service],
  ["text", (row) => row.key],
  ["text", (row) => row.name],
  ["text", (row) => row.value],
];

/** The last write of each name counts; null clears it. */
export function writeState(writes: readonly StateWrite[]): Statement[] {
  const last = new Map(writes.map((write) => [JSON.stringify([write.service, write.key, write.name]), write]));
  const sets = [...last.values()].filter((write) => write.value !== null);
  const clears = [...last.values()].filter((write) => write.value === null);
  const input = "unnest($1::text[], $2::text[], $3::text[], $4::text[]) as w(service, key, name, value)";
  const upsert = `
    insert into engine.state as s (service, key, name, value)
    select w.service, w.key, w.name, w.value from ${input} order by 1, 2, 3
    on conflict (service, key, name) do update set value = excluded.value`;
  const remove = `
    delete from engine.state s using ${input}
     where s.service = w.service and s.key = w.key and s.name = w.name`;
  const statements: Statement[] = [];
  if (sets.length > 0) statements.push(statementOver("set_state", upsert, STATE_COLUMNS, sets));
  if (clears.length > 0) statements.push(statementOver("clear_state", remove, STATE_COLUMNS, clears));
  return statements;
}

export function insertTimers(timers: readonly TimerWrite[]): Statement {
  const text = `
    insert into engine.timers (invocation_id, entry, fire_at)
    select t.invocation_id, t.entry, now() + t.delay_ms * interval '1 millisecond'
      from unnest($1::int8[], $2::int4[], $3::float8[]) as t(invocation_id, entry, delay_ms)`;
  const columns: Columns<TimerWrite> = [
    ["int8", (row) => row.invocationId],
    ["int4", (row) => row.entry],
    ["float8", (row) => row.delayMs],
  ];
  return statementOver("insert_timers", text, columns, timers);
}

export function deleteTimers(completions: readonly Completion[]): Statement {
  const text = "delete from engine.timers t using unnest($1::int8[]) as c(id) where t.invocation_id = c.id";
  return statementOver("delete_timers", text, [["int8", (row) => row.id]], completions);
}

/** Keeps a resolution that comes before the handler waits; the first one counts. Returns what it completed. */
export function insertResolutions(resolutions: readonly Resolution[]): Statement {
  const text = `
    insert into engine.journal (invocation_id, entry, kind, value, failure_kind, failure)
    select r.invocation_id, r.entry, 'awakeable', r.value, case when r.failure is not null then 'internal' end, r.failure
      from unnest($1::int8[], $2::int4[], $3::text[], $4::text[]) as r(invocation_id, entry, value, failure)
      join engine.invocations i on i.id = r.invocation_id and i.completed_at is null
    on conflict (invocation_id, entry) do nothing
    returning invocation_id, entry, value, failure`;
  const columns: Columns<Resolution> = [
    ["int8", (row) => row.invocationId],
    ["int4", (row) => row.entry],
    ["text", (row) => row.value],
    ["text", (row) => row.failure],
  ];
  return statementOver("insert_resolutions", text, columns, resolutions);
}

/** Of those that this node still owns: one that was handed back meanwhile may have gone on elsewhere. */
export function recordAttemptFailures(failures: readonly AttemptFailure[], nodeId: number): Statement {
  const text = `
    update engine.invocations i
       set attempts = i.attempts + f.attempts, failures = f.failures, failure = f.failure,
           failing_since = case when f.failures > 1 then coalesce(i.failing_since, now()) else now() end
      from unnest($1::int8[], $2::text[], $3::int4[], $4::int4[]) as f(id, failure, failures, attempts)
     where i.id = f.id and i.completed_at is null and i.owner = $5::int8`;
  const columns: Columns<AttemptFailure> = [
    ["int8", (row) => row.id],
    ["text", (row) => row.failure],
    ["int4", (row) => row.failures],
    ["int4", (row) => row.attempts],
  ];
  return statementOver("record_attempt_failures", text, columns, failures, [String(nodeId)]);
}

// How long a suspended invocation is left alone where no hint comes.
const SUSPENDED_FOR = "interval '30 seconds'";

export function suspend(suspensions: readonly Suspension[], nodeId: number): Statement {
  const text = `
    update engine.invocations i
       set status = 'suspended', owner = null,
           start_at = least(now() + ${SUSPENDED_FOR},
                            (select min(t.fire_at) from engine.timers t
                              where t.invocation_id = i.id and t.entry = any(s.entries::int4[])))
      from unnest($1::int8[], $2::text[]) as s(id, entries)
     where i.id = s.id and i.completed_at is null and i.owner = $3::int8`;
  const columns: Columns<Suspension> = [
    ["int8", (row) => row.id],
    ["text", (row) => `{${row.entries.join(",")}}`],
  ];
  return statementOver("suspend", text, columns, suspensions, [String(nodeId)]);
}

export function handBack({ invocations }: HandBack, nodeId: number): Statement {
  const text = `
    update engine.invocations i set status = 'ready', owner = null, attempts = h.attempts
      from unnest($1::int8[], $2::int4[]) as h(id, attempts)
     where i.id = h.id and i.status = 'running' and i.owner = $3::int8`;
  const columns: Columns<HandedBack> = [
    ["int8", (row) => row.id],
    ["int4", (row) => row.attempts],
  ];
  return statementOver("hand_back", text, columns, invocations, [String(nodeId)]);
}

export function wake(ids: readonly number[]): Statement {
  const text = `
    update engine.invocations i set status = 'ready', start_at = null
      from unnest($1::int8[]) as w(id) where i.id = w.id and i.status = 'suspended'`;
  return statementOver("wake", text, [["int8", (id) => id]], ids);
}

export function forgetKeys(keys: readonly ForgetKey[]): Statement {
  const text = `
    delete from engine.idempotency i
     using unnest($1::text[], $2::text[], $3::text[], $4::text[]) as f(service, key, handler, idempotency_key)
     where i.service = f.service and i.key = f.key and i.handler = f.handler and i.idempotency_key = f.idempotency_key`;
  const columns: Columns<ForgetKey> = [
    ["text", (row) => row.service],
    ["text", (row) => row.key],
    ["text", (row) => row.handler],
    ["text", (row) => row.idempotencyKey],
  ];
  return statementOver("forget_keys", text, columns, keys);
}
