-- Up Migration

-- A replica that is promoted, or a backup that is restored, may know less than clients do: ids that were handed out are
-- not to be handed out again.
alter table engine.shared add column history text;
comment on column engine.shared.history is 'Of which history of the database next_id is: system identifier and timeline. Null: not known yet.';

create function engine.current_history() returns text language plpgsql stable as $$
begin
  return (select system_identifier from pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8);
exception when others then
  -- A service that does not show it.
  return null;
end $$;
comment on function engine.current_history() is 'Another one after a failover to a replica and after a restore. Null: the server does not say.';

create function engine.take_ids(amount bigint) returns bigint language plpgsql as $$
declare
  current text := engine.current_history();
  first bigint;
begin
  update engine.shared
     set next_id = next_id + amount + case when history <> current then 1000000000 else 0 end,
         history = coalesce(current, history)
  returning next_id - amount into first;
  return first;
end $$;
comment on function engine.take_ids(bigint) is 'So many consecutive invocation ids; returns the first. Where the history is another one than before, a billion is left out: ids that the lost part of the old one may have handed out.';
