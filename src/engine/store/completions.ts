import type { Completion } from "../operations.ts";
import { type Columns, statementOver } from "./columns.ts";
import type { Statement } from "./pipeline.ts";
import { canRun } from "./claimable.ts";
import { OWNED_COLUMNS } from "./writes.ts";

// The end of invocations. First the outcome and the parent's count, then the
// key: it is freed before it is handed on, see `freeKeys`.

const OUTCOME_COLUMNS: Columns<Completion> = [
  ["int8", (row) => row.id],
  ["text", (row) => row.output],
  ["text", (row) => row.failureKind],
  ["text", (row) => row.failure],
];

// An invocation ends once: a second end (killed while its own was being
// written) finds it ended, and counts nothing. No word of its status here: the
// planner would go through the index of all running ones instead of by id.
const COMPLETE = `
    update engine.invocations i
       set status = case when c.failure_kind is null then 'succeeded' else 'failed' end,
           output = c.output, failure_kind = c.failure_kind, failure = c.failure, completed_at = now()
      from unnest($1::int8[], $2::text[], $3::text[], $4::text[]) as c(id, output, failure_kind, failure)
     where i.id = c.id and i.completed_at is null and i.owner = $5::int8`;

/** Records outcomes of invocations that no fan-out counts. */
export function complete(completions: readonly Completion[], nodeId: number): Statement {
  return statementOver("complete", COMPLETE, OUTCOME_COLUMNS, completions, [String(nodeId)]);
}

/** Records outcomes and counts them, one row per fan-out. Returns the fan-outs of which every call has ended. */
export function completeAndCount(completions: readonly Completion[], nodeId: number): Statement {
  const text = `
    with done as (${COMPLETE}
      returning i.priority, i.parent_id, i.parent_entry, i.failure_kind
    ), ended as (
      select parent_id, parent_entry, count(*)::int4 as calls, count(failure_kind)::int4 as failed
        from done where priority = 1 and parent_entry is not null
       group by parent_id, parent_entry order by parent_id, parent_entry
    ), counted as (
      update engine.journal j set open = j.open - e.calls, failed = j.failed + e.failed
        from ended e where j.invocation_id = e.parent_id and j.entry = e.parent_entry
      returning j.invocation_id, j.entry, j.children, j.failed, j.open
    ), woken as (
      update engine.invocations i set status = 'ready', start_at = null
        from counted c where c.open = 0 and i.id = c.invocation_id and i.status = 'suspended'
    )
    select c.invocation_id, c.entry, c.children, c.failed, pg_notify('engine', 'w' || c.invocation_id)
      from counted c where c.open = 0`;
  return statementOver("complete_and_count", text, OUTCOME_COLUMNS, completions, [String(nodeId)]);
}

const HOLDER_COLUMNS: Columns<Completion> = [
  ["text", (row) => row.service],
  ["text", (row) => row.key],
  ["int8", (row) => row.id],
];
const HOLDERS = "unnest($1::text[], $2::text[], $3::int8[]) as c(service, key, id)";

/**
 * Frees keys for which nobody waits. Locks them all first, also those that it
 * leaves to `promote`: a batch that puts somebody into the line, or takes
 * somebody out of it, at the same time holds the lock, and `promote`, a later
 * statement, must see what it did.
 */
export function freeKeys(completions: readonly Completion[]): Statement {
  const text = `
    with held as materialized (
      select h.service, h.key, h.waiting from ${HOLDERS}
        join engine.keys h on h.service = c.service and h.key = c.key and h.holder = c.id
       order by h.service, h.key for update of h
    )
    delete from engine.keys k using held h where k.service = h.service and k.key = h.key and h.waiting = 0`;
  return statementOver("free_keys", text, HOLDER_COLUMNS, completions);
}

/** Hands keys for which somebody waits to the first in line, which this node then runs, or leaves to one that can. */
export function promote(completions: readonly Completion[], nodeId: number): Statement {
  const text = `
    with next as (
      update engine.keys k set holder = q.id, waiting = k.waiting - 1
        from ${HOLDERS}
       cross join lateral (select i.id, i.handler from engine.invocations i
                            where i.service = c.service and i.key = c.key and i.status = 'queued'
                            order by i.arrival limit 1) q
       where k.service = c.service and k.key = c.key and k.holder = c.id
      returning q.id, q.handler, k.service, k.key, k.waiting
    )
    update engine.invocations i
       set status = case when r.here then 'running' else 'ready' end, owner = case when r.here then $4::int8 end,
           attempts = i.attempts + r.here::int4,
           superseded_by = case when n.waiting > 0 then
             (select l.id from engine.invocations l
               where l.service = n.service and l.key = n.key and l.status = 'queued'
               order by l.arrival desc limit 1) end
      from next n
     cross join lateral (select coalesce(${canRun("n", "$4::int8")}, false) as here) r
     where i.id = n.id
    returning ${OWNED_COLUMNS}, i.status`;
  return statementOver("promote", text, HOLDER_COLUMNS, completions, [String(nodeId)]);
}
