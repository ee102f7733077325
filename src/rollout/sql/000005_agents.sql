-- Up Migration

alter table sentinels
  add column deploy_progress text not null default '',
  add column drift text not null default '',
  add column taken_from text not null default '';
comment on column sentinels.deploy_progress is 'What the deploy that runs still waits for, as its agent told last; empty: nothing known, or none runs.';
comment on column sentinels.drift is 'What somebody else has made of it in the cluster since it was applied; empty: it is as applied.';
comment on column sentinels.taken_from is 'Whose fields were taken over with the last deploy; empty: nobody''s.';

-- A deploy changes no drift, so its updates stay in their pages all the same.
create index sentinels_drifted on sentinels (region_id) where drift <> '';
comment on index sentinels_drifted is 'Counts those that drifted.';

create table agents (
  region_id text collate "C" not null references regions (region_id) on delete cascade,
  instance text collate "C" not null,
  version text not null,
  last_seen_at timestamptz not null default now(),
  stream text not null default '',
  connected_at timestamptz,
  told_up_to bigint,
  told_at timestamptz,
  left_at timestamptz,
  primary key (region_id, instance)
) with (fillfactor = 50);
comment on table agents is 'Runs of agents, as long as they were seen within the last day.';
comment on column agents.instance is 'Names the run among those of its region; empty: all that have no name share one row.';
comment on column agents.stream is 'The stream of desired state that it opened last; only that one says what follows. Empty: none.';
comment on column agents.connected_at is 'When that stream was opened.';
comment on column agents.told_up_to is 'It had been told every change of desired state up to this version at told_at. Unset: within a full sync.';
comment on column agents.left_at is 'When that stream ended. Unset: it is open, or its server has died.';
