-- Up Migration

alter table engine.invocations add column pause_requested boolean not null default false;
comment on column engine.invocations.pause_requested is 'An operator wants it paused: parked as soon as its owner, or its turn, comes to it. Stays set until it is resumed.';
comment on column engine.invocations.failure_kind is 'Of the outcome. Not ended yet: what the outcome of one that was ended before it began will be.';

alter table engine.invocations add column failing_since timestamptz;
comment on column engine.invocations.failing_since is 'Since when attempts, or the tries of a step, fail in a row.';

alter table engine.nodes add column handlers text[];
comment on column engine.nodes.handlers is 'What it can run, as service/handler. Null: a node of a release that did not say.';

alter table engine.journal add column recorded_at timestamptz, add column duration_ms integer, add column tries integer;
alter table engine.journal alter column recorded_at set default now();
comment on column engine.journal.value is 'JSON. call: set only in a copy; else the invocation called has it.';
comment on column engine.journal.recorded_at is 'By the database''s clock. Null: recorded by a release that did not say.';
comment on column engine.journal.duration_ms is 'run: how long the try took whose result this is.';
comment on column engine.journal.tries is 'run: tries of the attempt that recorded it.';

-- Journals of ended invocations do not change, but they are deleted after a while.
create function engine.copy_journal(source bigint, target bigint, entries integer) returns void language plpgsql as $$
declare
  copied integer;
begin
  insert into engine.journal (invocation_id, entry, kind, name, value, failure_kind, failure, child_id, children, open,
         failed, recorded_at, duration_ms, tries)
  select target, j.entry, j.kind, j.name, coalesce(j.value, c.output), coalesce(j.failure_kind, c.failure_kind),
         coalesce(j.failure, c.failure), j.child_id, j.children, j.open, j.failed, j.recorded_at, j.duration_ms, j.tries
    from engine.journal j
    left join engine.invocations c on j.kind = 'call' and c.id = j.child_id and c.completed_at is not null
   where j.invocation_id = source and j.entry < entries;
  get diagnostics copied = row_count;
  if copied <> entries then
    raise exception 'the journal of % has % of % entries', source, copied, entries using errcode = 'HY002';
  end if;
  if exists (select from engine.journal j
              where j.invocation_id = target and j.kind = 'call' and j.value is null and j.failure_kind is null) then
    raise exception 'the journal of % has a call whose outcome is not kept', source using errcode = 'HY002';
  end if;
  -- A sleep without a timer would be slept again.
  insert into engine.timers (invocation_id, entry, fire_at)
  select target, j.entry, now() from engine.journal j
   where j.invocation_id = target and j.kind = 'sleep';
  -- As if it had been run before: its journal is read.
  update engine.invocations set attempts = 1 where id = target;
end $$;
comment on function engine.copy_journal(bigint, bigint, integer) is 'Gives a new invocation the first entries of an ended one''s journal. Fails with SQLSTATE HY002 where they are no longer kept.';
