-- Up Migration

-- Epochs are numbered from the table itself, under the lock that begins them: a
-- sequence is not in a logical replica, nor in a dump of chosen tables. There its
-- numbers would be taken, so that nothing could be written, or lie before those of
-- older epochs, which would then seem to go on.
create or replace function begin_log_epoch() returns trigger language plpgsql set search_path from current as $$
declare
  chance constant text := gen_random_uuid()::text;
begin
  -- Without the digits that are the same in all.
  new.epoch := left(chance, 8) || right(chance, 8);
  new.run := rollout_log_run();
  insert into rollout_log_epochs (number, epoch, event_sequence, change_version) overriding system value
  values ((select coalesce(max(number), 0) + 1 from rollout_log_epochs), new.epoch, old.event_sequence, old.change_version);
  delete from rollout_log_epochs
   where number <= (select number from rollout_log_epochs order by number desc offset 1000 limit 1);
  return new;
end
$$;
