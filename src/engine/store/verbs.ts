import type { InvocationStatus } from "../api.ts";
import { defineEffect } from "../effect.ts";

// What operators do to invocations, as effects: each is judged and done in one
// commit of a node that is not fenced off. Rows are locked before their status
// is judged, so it is that of the moment. What runs is left to its owner (E2),
// who is told.

/** How an invocation stood when it was judged. */
export interface Judged {
  readonly status: InvocationStatus;
}

const TARGET = `select input.ord, i.id, i.status, i.stop_requested as stop from $input join engine.invocations i on i.id = input.id for update of i`;

/**
 * Notes that it is to be paused; parks it at once where nobody runs it and it
 * needs no place in a line, unless it is to be killed.
 */
export const pauseInvocation = defineEffect<{ id: number }, Judged>({
  name: "engine_pause",
  input: { id: "int8" },
  output: { status: "text" },
  sql: `with target as materialized (${TARGET}), done as (
          update engine.invocations i
             set pause_requested = true,
                 status = case when t.parks then 'parked' else i.status end,
                 start_at = case when t.parks and i.status = 'suspended' then null else i.start_at end
            from (select id, status in ('ready', 'suspended') and stop is distinct from 'kill' as parks from target) t
           where i.id = t.id and i.completed_at is null and i.status <> 'parked'
        )
        select ord, status, pg_notify('engine', 'w' || id) from target`,
  record: ({ id }) => String(id),
});

/** Lets it go on, with all its attempts before it. `hurry`: its owner waits for the next one no longer, either. */
export const resumeInvocation = defineEffect<{ id: number; hurry: boolean }, Judged>({
  name: "engine_resume",
  input: { id: "int8", hurry: "bool" },
  output: { status: "text" },
  sql: `with target as materialized (
          select input.ord, input.hurry, i.id, i.status from $input join engine.invocations i on i.id = input.id
             for update of i
        ), done as (
          update engine.invocations i
             set pause_requested = false,
                 failures = case when i.status = 'parked' then 0 else i.failures end,
                 failing_since = case when i.status = 'parked' then null else i.failing_since end,
                 status = case when i.status = 'parked' then 'ready' else i.status end
            from target t
           where i.id = t.id and i.completed_at is null
        )
        select ord, status, pg_notify('engine', case when hurry and status = 'running' then 't' || id else 'r' end)
          from target`,
  record: ({ id }) => String(id),
});

/** How an invocation that was to be rewound stood. */
export interface Rewound extends Judged {
  /** An open one that an entry to be dropped waits for. */
  readonly openChild: number | null;
}

/** Drops what a parked one's journal has from an entry on, and lets it go on from there. */
export const rewindInvocation = defineEffect<{ id: number; entries: number }, Rewound>({
  name: "engine_rewind",
  input: { id: "int8", entries: "int4" },
  output: { status: "text", openChild: "int8" },
  sql: `with target as materialized (
          select input.ord, input.entries, i.id, i.status from $input join engine.invocations i on i.id = input.id
             for update of i
        ), judged as materialized (
          select t.*, (select min(c.id) from engine.journal j
                        cross join lateral generate_series(j.child_id, j.child_id + coalesce(j.children, 1) - 1) as of(id)
                         join engine.invocations c on c.id = of.id and c.completed_at is null
                        where j.invocation_id = t.id and j.entry >= t.entries and j.kind in ('call', 'fan_out')
                      ) as open_child
            from target t
        ), rewound as (
          update engine.invocations i
             set status = 'ready', pause_requested = false, failures = 0, failing_since = null
            from judged t
           where i.id = t.id and i.status = 'parked' and t.open_child is null
          returning i.id, t.entries
        ), entries as (
          delete from engine.journal j using rewound r where j.invocation_id = r.id and j.entry >= r.entries
        ), timers as (
          delete from engine.timers s using rewound r where s.invocation_id = r.id and s.entry >= r.entries
        )
        select ord, status, open_child, pg_notify('engine', 'r') from judged`,
  record: ({ id }) => String(id),
});

/** How an invocation that was to be purged stood. */
export interface Purged extends Judged {
  /** An open one that called it, whose journal has its outcome. */
  readonly openParent: number | null;
}

/** Deletes one that has ended, with its journal and idempotency key, where no open one needs it. */
export const purgeInvocation = defineEffect<{ id: number }, Purged>({
  name: "engine_purge",
  input: { id: "int8" },
  output: { status: "text", openParent: "int8" },
  sql: `with target as materialized (
          select input.ord, i.id, i.status, i.service, i.key, i.handler, i.idempotency_key,
                 i.completed_at is not null as ended, p.id as open_parent
            from $input join engine.invocations i on i.id = input.id
            left join engine.invocations p on p.id = i.parent_id and p.completed_at is null
             for update of i
        ), gone as (
          delete from engine.invocations i using target t where i.id = t.id and t.ended and t.open_parent is null
          returning i.id
        ), entries as (
          delete from engine.journal j using gone g where j.invocation_id = g.id
        ), keys as (
          delete from engine.idempotency k using target t join gone g on g.id = t.id
           where k.service = t.service and k.key = t.key and k.handler = t.handler
             and k.idempotency_key = t.idempotency_key and k.invocation_id = t.id
        )
        select ord, status, open_parent from target`,
  record: ({ id }) => String(id),
});
