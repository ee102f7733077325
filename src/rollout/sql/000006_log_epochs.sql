-- Up Migration

-- A database can be put back: from a backup, a snapshot, or by a failover that
-- loses the latest commits. Then the same positions are given again, to other
-- events. So each run of Postgres in which the log is written begins an epoch,
-- with a name that nothing else has, and it does so within the first transaction
-- that writes: no position is given before its epoch is known. What holds of a
-- position (epoch, number) is what holds of leader epochs in replicated logs: it
-- is one of this database's history exactly if the epoch is in this table and the
-- next one had not begun before the number.
create table rollout_log_epochs (
  number bigint primary key,
  epoch text collate "C" not null unique,
  event_sequence bigint not null,
  change_version bigint not null,
  begun_at timestamptz not null default now()
);

comment on table rollout_log_epochs is 'The latest 1,000 epochs of rollout_log: one for each run of Postgres in which it was written.';
comment on column rollout_log_epochs.number is 'In the order in which they began.';
comment on column rollout_log_epochs.epoch is 'Name, by chance: two copies of a database that go on never give the same.';
comment on column rollout_log_epochs.event_sequence is 'With change_version: where the log stood when it began.';

alter table rollout_log
  add column epoch text not null default '',
  add column run text;

comment on column rollout_log.epoch is 'The epoch of the latest positions (rollout_log_epochs).';
comment on column rollout_log.run is 'The run of Postgres in which that epoch began (rollout_log_run). Unset: the next write begins one.';

-- Changes whenever the table may be another one under the same name: Postgres was
-- started (so with every restored file, promoted replica and crash), or the
-- database or the table was made or filled anew. That it changes without need,
-- as by vacuum full, costs one row. Everybody may execute both functions, on
-- managed servers, too; the number is independent of the session's time zone.
create function rollout_log_run() returns text stable language sql
begin atomic
  select extract(epoch from pg_postmaster_start_time())::text || ' ' || pg_relation_filepath('rollout_log');
end;

comment on function rollout_log_run is 'Names the run of Postgres, the database and the file that rollout_log is in.';

-- Numbered from the table itself, under the lock that begins an epoch: a sequence
-- is not in a logical replica, nor in a dump of chosen tables. There its numbers
-- would be taken, so that nothing could be written, or lie before those of older
-- epochs, which would then seem to go on.
create function begin_log_epoch() returns trigger language plpgsql set search_path from current as $$
declare
  chance constant text := gen_random_uuid()::text;
begin
  -- Without the digits that are the same in all.
  new.epoch := left(chance, 8) || right(chance, 8);
  new.run := rollout_log_run();
  insert into rollout_log_epochs (number, epoch, event_sequence, change_version)
  values ((select coalesce(max(number), 0) + 1 from rollout_log_epochs), new.epoch, old.event_sequence, old.change_version);
  delete from rollout_log_epochs
   where number <= (select number from rollout_log_epochs order by number desc offset 1000 limit 1);
  return new;
end
$$;

comment on function begin_log_epoch is 'Begins an epoch of rollout_log where it stands.';

-- A trigger, so that servers of the release before cannot write without it. Its
-- condition is looked at once for each batch that moves a position.
create trigger rollout_log_epoch before update on rollout_log
  for each row when (old.run is distinct from rollout_log_run()) execute function begin_log_epoch();

create function forget_log_epochs() returns text language plpgsql set search_path from current as $$
begin
  perform 1 from rollout_log for update;
  delete from rollout_log_epochs;
  -- The first of the two begins an epoch where one is due, else the second does.
  update rollout_log set run = null;
  update rollout_log set run = null where run is null;
  return (select epoch from rollout_log);
end
$$;

comment on function forget_log_epochs is 'For operators, after rows were put back by hand in a Postgres that kept running: no position given so far holds any more. Watches are told reset, agents get a full sync. Returns the new epoch.';

-- Begins the first one.
update rollout_log set run = null;
