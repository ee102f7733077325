-- Up Migration

alter table rollouts
  add column trace_parent text,
  add column trace_state text not null default '';
comment on column rollouts.trace_parent is 'W3C traceparent of the call that started it: its trace goes on in the caller''s. Unset: the call was in none.';
comment on column rollouts.trace_state is 'W3C tracestate of that call.';

create table trace_export (
  singleton boolean primary key default true check (singleton),
  position bigint not null,
  holder text not null,
  held_until timestamptz not null
) with (fillfactor = 50);
comment on table trace_export is 'How far the traces of rollouts have been sent to the OpenTelemetry collector. No row: never asked for.';
comment on column trace_export.position is 'What events up to this one tell of has been sent, or given up.';
comment on column trace_export.holder is 'One run of one server, which alone sends, until held_until.';

-- One expression: an index that begins with rollout_id would be taken for the
-- half of the key that deploys look targets up by.
create index rollout_targets_sentinel on rollout_targets ((rollout_id || ' ' || sentinel_id));
comment on index rollout_targets_sentinel is 'From an event to its target. No deploy changes these columns.';

create index rollout_events_course on rollout_events (rollout_id, sentinel_id, sequence)
  where sentinel_id is null or type = 'sentinel_reverting';
comment on index rollout_events_course is 'The course of a rollout without its deploys, and when each revert began.';
