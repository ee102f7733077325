-- Up Migration

-- One row: what all nodes of this database share.
create table engine.shared (
  singleton boolean primary key default true check (singleton),
  secret bytea not null,
  next_id bigint not null default 1
);
comment on table engine.shared is 'What all nodes share: the secret that signs awakeable ids, and the next free invocation id (nodes take ids in blocks).';
insert into engine.shared (secret)
  values (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

-- A node is one run of the engine in one process.
create table engine.nodes (
  id bigint generated always as identity primary key,
  batch bigint not null default 0,
  backend_pid integer not null,
  started_at timestamptz not null default now(),
  fenced_at timestamptz
);
comment on table engine.nodes is 'One run of the engine. Every batch moves batch on by one and fails where fenced_at is set (invariant E2).';
comment on column engine.nodes.backend_pid is 'Backend of the connection that writes batches; it also holds the advisory lock (7240115, id) that shows the node is alive.';

-- Apart from nodes, so that a heartbeat never waits for a batch.
create table engine.heartbeats (
  node_id bigint primary key references engine.nodes (id) on delete cascade,
  beat_at timestamptz not null default now()
);
comment on table engine.heartbeats is 'When a node showed itself last, by the database''s clock.';

create sequence engine.arrivals cache 1;

create table engine.invocations (
  id bigint primary key,
  service text not null,
  key text not null,
  handler text not null,
  exclusive boolean not null,
  status text not null check (status in ('scheduled', 'queued', 'ready', 'running', 'suspended', 'parked', 'succeeded', 'failed')),
  owner bigint,
  priority smallint not null,
  arrival bigint not null default nextval('engine.arrivals'),
  parent_id bigint,
  parent_entry integer,
  input text not null,
  output text,
  failure_kind text,
  failure text,
  attempts integer not null default 0,
  failures integer not null default 0,
  stop_requested text check (stop_requested in ('cancel', 'kill')),
  superseded_by bigint,
  idempotency_key text,
  request_id text,
  created_at timestamptz not null default now(),
  start_at timestamptz,
  completed_at timestamptz
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000);
comment on table engine.invocations is 'One run of a handler. Rows of completed ones stay for the retention time.';
comment on column engine.invocations.status is 'scheduled: starts later; queued: waits for its key; ready: waits for a node; running: a node owns it, waiting or not; suspended: only waits, and no node has it in memory; parked: waits for an operator.';
comment on column engine.invocations.start_at is 'scheduled: when it starts. suspended: when it is looked at again, hint or no hint (invariant E5).';
comment on column engine.invocations.priority is '0: called from outside; 1: part of a fan-out. Lower goes first.';
comment on column engine.invocations.arrival is 'Order of arrival, read while the key''s row is locked.';
comment on column engine.invocations.failures is 'Attempts that failed in a row, without a new journal entry in between.';
comment on column engine.invocations.failure is 'Failed: the outcome. Otherwise: why the last attempt failed.';
comment on column engine.invocations.superseded_by is 'The last one that waited for the same key when this one''s turn came.';
create index invocations_running on engine.invocations (owner) where status = 'running';
create index invocations_ready on engine.invocations (priority, arrival) where status = 'ready';
create index invocations_queued on engine.invocations (service, key, arrival) where status = 'queued';
create index invocations_starting on engine.invocations (start_at) where status in ('scheduled', 'suspended');

create table engine.keys (
  service text not null,
  key text not null,
  holder bigint not null,
  waiting integer not null default 0,
  primary key (service, key)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000);
comment on table engine.keys is 'Keys that an exclusive invocation holds, and how many wait (invariant E3). No row: the key is free.';

create table engine.journal (
  invocation_id bigint not null,
  entry integer not null,
  kind text not null,
  name text not null default '',
  value text,
  failure_kind text,
  failure text,
  child_id bigint,
  children integer,
  open integer,
  failed integer,
  primary key (invocation_id, entry)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000);
comment on table engine.journal is 'What an invocation did, entry by entry; a replay reads it instead of doing it again (invariant E4).';
comment on column engine.journal.child_id is 'call, send: the invocation called, whose outcome is this entry''s. fan_out: the first of `children` consecutive ids.';
comment on column engine.journal.open is 'fan_out: calls that have not ended.';

create table engine.timers (
  invocation_id bigint not null,
  entry integer not null,
  fire_at timestamptz not null,
  primary key (invocation_id, entry)
);
create index timers_due on engine.timers (fire_at);
comment on table engine.timers is 'Sleeps of open invocations. One whose time has passed by the database''s clock has fired.';

create table engine.state (
  service text not null,
  key text not null,
  name text not null,
  value text not null,
  primary key (service, key, name)
);
comment on table engine.state is 'State of virtual objects, JSON by name.';

create table engine.idempotency (
  service text not null,
  key text not null,
  handler text not null,
  idempotency_key text not null,
  invocation_id bigint not null,
  primary key (service, key, handler, idempotency_key)
);
comment on table engine.idempotency is 'Which invocation a caller''s idempotency key stands for, as long as that invocation is kept.';

-- Raises where the node was fenced off or another batch came first, so that
-- the rest of a pipelined batch is not executed (invariant E2).
create function engine.begin_batch(node bigint, number bigint) returns void language plpgsql as $$
begin
  update engine.nodes set batch = number where id = node and batch = number - 1 and fenced_at is null;
  if not found then
    raise exception 'node % may not write batch %', node, number using errcode = 'HY001';
  end if;
end $$;
comment on function engine.begin_batch(bigint, bigint) is 'First statement of every batch. Fails with SQLSTATE HY001 where the node was fenced off.';

-- Scheduled invocations whose time has come take their key, or their place in
-- its line; suspended ones have their key. One by one: two may want the same key.
create function engine.activate_due(at_most integer) returns integer language plpgsql as $$
declare
  due record;
  key_holder bigint;
  activated integer := 0;
begin
  for due in
    select id, service, key, exclusive and status = 'scheduled' as wants_key from engine.invocations
     where status in ('scheduled', 'suspended') and start_at <= now()
     order by start_at limit at_most for update skip locked
  loop
    key_holder := due.id;
    if due.wants_key then
      insert into engine.keys as k (service, key, holder) values (due.service, due.key, due.id)
        on conflict (service, key) do update set waiting = k.waiting + 1
        returning k.holder into key_holder;
    end if;
    update engine.invocations
       set status = case when key_holder = due.id then 'ready' else 'queued' end,
           arrival = nextval('engine.arrivals')
     where id = due.id;
    activated := activated + 1;
  end loop;
  return activated;
end $$;
comment on function engine.activate_due(integer) is 'Makes scheduled and suspended invocations ready or queued once their time has come, and tells how many.';
