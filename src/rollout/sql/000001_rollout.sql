-- Up Migration

-- One row. Every effect that writes an event or changes what is desired locks
-- it first (prelude), so these two series are handed out in commit order:
-- whoever reads up to a number has seen everything below it.
create table rollout_log (
  singleton boolean primary key default true check (singleton),
  event_sequence bigint not null default 0,
  change_version bigint not null default 0,
  oldest_change_version bigint not null default 0
) with (fillfactor = 50);
comment on table rollout_log is 'The commit-ordered positions: of rollout_events, which Watch and notifications follow, and of desired_changes, which agents follow.';
comment on column rollout_log.oldest_change_version is 'Changes up to this one have been deleted; a cursor below it needs a full sync.';
insert into rollout_log default values;

-- A domain, since a check of the table would be run again by every update.
create domain sentinel_id as text collate "C"
  check (value ~ '^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$');

create table sentinels (
  id sentinel_id primary key,
  workspace_id text not null default '',
  project_id text not null default '',
  environment_id text not null default '',
  region_id text collate "C" not null,
  k8s_namespace text not null,
  k8s_name text not null,
  image text not null,
  running_image text not null default '',
  desired_state text not null default 'running' check (desired_state in ('running', 'standby', 'archived')),
  health text not null default 'unknown' check (health in ('unknown', 'paused', 'healthy', 'unhealthy')),
  desired_replicas integer not null default 1 check (desired_replicas >= 0),
  available_replicas integer not null default 0 check (available_replicas >= 0),
  deploy_status text not null default 'idle' check (deploy_status in ('idle', 'progressing', 'ready', 'failed')),
  deploy_reason text not null default '',
  deploy_reason_class text not null default '',
  cpu_millicores integer not null default 0 check (cpu_millicores >= 0),
  memory_mib integer not null default 0 check (memory_mib >= 0),
  generation bigint not null default 1,
  observed_generation bigint not null default 0,
  observed_deploy_number bigint not null default 0,
  deploy_number bigint not null default 0,
  deploy_invocation text,
  deploy_awakeable text,
  deploy_rollout_id text,
  deploy_target integer,
  deployment_uid text not null default '',
  report_order bigint not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint sentinels_place unique (region_id, k8s_namespace, k8s_name)
) with (fillfactor = 45, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000);
comment on table sentinels is 'The fleet: what each sentinel should be, and what its agent saw last. No index on a column that a deploy changes, and pages half empty, so that the updates of a whole wave stay in their pages.';
comment on column sentinels.running_image is 'What it was seen running last; empty: unknown.';
comment on column sentinels.generation is 'Grows by one with every change of image, replicas, resources or desired_state, and never otherwise.';
comment on column sentinels.deploy_number is 'Number of the deploy in force; reports echo it, and one for another number neither makes ready nor fails.';
comment on column sentinels.observed_deploy_number is 'Deploy that the last report was for.';
comment on column sentinels.deploy_invocation is 'Invocation that made the deploy in force.';
comment on column sentinels.deploy_awakeable is 'What the running deploy waits on; unset when none runs.';
comment on column sentinels.deploy_rollout_id is 'Rollout that put it on its image, with the position of its target; unset once the image is changed by anything else.';
comment on column sentinels.report_order is 'Order of the last report on deployment_uid.';

create table desired_changes (
  version bigint primary key,
  region_id text collate "C" not null,
  sentinel_id text collate "C" not null,
  deleted boolean not null default false,
  k8s_namespace text not null default '',
  k8s_name text not null default '',
  created_at timestamptz not null default now()
);
comment on table desired_changes is 'Outbox of the agents: which sentinel changed in which region. An agent is told the state of the moment in which the row is read.';
comment on column desired_changes.k8s_name is 'With k8s_namespace: set where the sentinel has left hydra or the region.';
create index desired_changes_region on desired_changes (region_id, version);

create table regions (
  region_id text collate "C" primary key,
  cluster_uid text not null,
  agent_version text not null default '',
  last_seen_at timestamptz not null default now()
);
comment on table regions is 'Which cluster a region is, and when an agent of it was seen last.';

create table rollouts (
  id text collate "C" primary key,
  number bigint generated always as identity unique,
  image text not null,
  wave_percentages integer[] not null,
  state text not null check (state in ('in_progress', 'paused', 'cancelled', 'completed', 'rolling_back')),
  reason text not null default '',
  driver text not null,
  current_wave integer,
  notifies boolean not null,
  actor text not null default '',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  ended_at timestamptz
) with (fillfactor = 70);
comment on table rollouts is 'Every rollout there was. Its counts are those of its waves.';
comment on column rollouts.number is 'Order in which they started.';
comment on column rollouts.driver is 'Id of the invocation that drives it, or drove it last. Every step of a driver is conditional on it.';
comment on column rollouts.notifies is 'A webhook of its own or the server''s default was set when it started.';
create unique index rollouts_one_active on rollouts ((true)) where state in ('in_progress', 'paused', 'rolling_back');
comment on index rollouts_one_active is 'One rollout at a time.';

create table webhooks (
  rollout_id text collate "C" primary key references rollouts (id) on delete cascade,
  url bytea not null,
  encrypted boolean not null
);
comment on table webhooks is 'Webhook URLs, which are secrets: the only place that has them. Deleted when the rollout is completed or another has started.';

create table rollout_waves (
  rollout_id text collate "C" not null references rollouts (id) on delete cascade,
  wave_index integer not null,
  percentage integer not null,
  first_target integer not null,
  size integer not null,
  in_flight integer not null default 0,
  ready integer not null default 0,
  failed integer not null default 0,
  skipped integer not null default 0,
  reverted integer not null default 0,
  started_at timestamptz,
  completed_at timestamptz,
  primary key (rollout_id, wave_index)
) with (fillfactor = 50);
comment on table rollout_waves is 'Waves with their counts, which move in the commit of each target''s change.';
comment on column rollout_waves.first_target is 'Position of its first target; the wave is that one and the size - 1 after it.';
comment on column rollout_waves.in_flight is 'Targets being deployed or reverted.';

create table rollout_targets (
  rollout_id text collate "C" not null references rollouts (id) on delete cascade,
  target integer not null,
  sentinel_id text collate "C" not null,
  status text not null default 'pending'
    check (status in ('pending', 'deploying', 'ready', 'failed', 'skipped', 'reverted')),
  reverting boolean not null default false,
  previous_image text not null default '',
  reason text not null default '',
  started_at timestamptz,
  ended_at timestamptz,
  primary key (rollout_id, target)
) with (fillfactor = 45, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000);
comment on table rollout_targets is 'The sentinels of each rollout and where each stands.';
comment on column rollout_targets.target is 'Position among the targets, from 0, in the order of sentinel ids.';
comment on column rollout_targets.reverting is 'Its previous image is being deployed; status stays ready until that has come up.';

create table rollout_events (
  sequence bigint primary key,
  time timestamptz not null,
  rollout_id text collate "C" not null,
  state text not null,
  type text not null,
  wave_index integer,
  wave_size integer,
  wave_ready integer,
  wave_failed integer,
  sentinel_id text,
  image text,
  reason text,
  reason_class text,
  total integer,
  reverted integer
);
comment on table rollout_events is 'What happened, in commit order: one series for all rollouts, from 1, without gaps.';
comment on column rollout_events.type is 'Name in enum RolloutEventType, lower case, without its prefix.';
create index rollout_events_rollout on rollout_events (rollout_id, sequence);

create table notifications (
  sequence bigint primary key,
  rollout_id text collate "C" not null
);
comment on table notifications is 'Outbox of the webhook: events that a person is to be told of, removed once told.';

-- What operators of the first rollout service looked at: one document for the
-- latest rollout, with the field names it had there.
create view rollout_state as
select r.id as rollout_id,
       json_build_object(
         'state', 'SENTINEL_ROLLOUT_STATE_' || upper(r.state),
         'image', r.image,
         'previousImages', targets.previous_images,
         'wavePercentages', r.wave_percentages,
         'waves', coalesce(waves.sentinel_ids, '[]'),
         'currentWave', coalesce(r.current_wave, 0),
         'succeededIds', targets.succeeded_ids,
         'failedIds', targets.failed_ids,
         'totalSentinels', targets.total,
         'startedAtMs', (extract(epoch from r.created_at) * 1000)::bigint,
         'waveStartedAtMs', coalesce(waves.started_at_ms, 0)
       ) as document
  from (select * from rollouts order by number desc limit 1) as r
 cross join lateral (
   select count(*) as total,
          coalesce(json_object_agg(t.sentinel_id, t.previous_image) filter (where t.previous_image <> ''), '{}') as previous_images,
          coalesce(json_agg(t.sentinel_id order by t.target) filter (where t.status = 'ready'), '[]') as succeeded_ids,
          coalesce(json_agg(t.sentinel_id order by t.target) filter (where t.status = 'failed'), '[]') as failed_ids
     from rollout_targets as t where t.rollout_id = r.id
 ) as targets
 cross join lateral (
   select json_agg(
            (select json_agg(t.sentinel_id order by t.target) from rollout_targets as t
              where t.rollout_id = w.rollout_id and t.target >= w.first_target and t.target < w.first_target + w.size)
            order by w.wave_index
          ) as sentinel_ids,
          max(extract(epoch from w.started_at) * 1000) filter (where w.wave_index = r.current_wave)::bigint as started_at_ms
     from rollout_waves as w where w.rollout_id = r.id
 ) as waves;
comment on view rollout_state is 'The latest rollout as one JSON document: no row before the first one.';
