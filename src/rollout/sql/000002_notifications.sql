-- Up Migration

alter table rollouts add column webhook text check (webhook in ('own', 'default'));
comment on column rollouts.webhook is 'Where its messages go: to a webhook of its own (table webhooks), or to the server''s default. Unset: nowhere, or it was started by a version that did not say.';
update rollouts as r set webhook = 'own' where exists (select from webhooks as w where w.rollout_id = r.id);

-- Servers of the version before still write rows without these.
alter table notifications
  add column total integer,
  add column ready integer,
  add column failed integer,
  add column skipped integer,
  add column reverted integer;
comment on column notifications.total is 'With the four after it: how the rollout''s targets stood at the event. Unset: as they stand when the message is sent.';
create index notifications_rollout on notifications (rollout_id, sequence);

-- Nobody sent them, and news of yesterday is none.
delete from notifications as n using rollouts as r
 where r.id = n.rollout_id
   and (r.state in ('completed', 'cancelled')
        or n.sequence in (select e.sequence from rollout_events as e where e.time < now() - interval '1 hour'));
comment on table notifications is 'Outbox of the webhooks: events that a person is to be told of. Removed once sent or given up.';

create table notification_lanes (
  rollout_id text collate "C" primary key references rollouts (id) on delete cascade,
  claim text,
  holder bigint,
  tries integer not null default 0,
  uncertain boolean not null default false,
  next_try_at timestamptz,
  dead boolean not null default false,
  sent integer not null default 0,
  dropped integer not null default 0,
  last_failure text not null default '',
  last_failure_at timestamptz
) with (fillfactor = 50);
comment on table notification_lanes is 'How the messages of a rollout go to its webhook: one at a time, the lowest sequence first. No row: none has been tried.';
comment on column notification_lanes.claim is 'Names the try that is under way; whatever ends a try is conditional on it.';
comment on column notification_lanes.holder is 'Node (engine.nodes) that made the claim. Once that is fenced off nobody knows how the try ended.';
comment on column notification_lanes.tries is 'Tries of the message whose turn it is.';
comment on column notification_lanes.uncertain is 'An earlier try of that message got no answer: the webhook may have it.';
comment on column notification_lanes.dead is 'The webhook refused a message for good: until it takes one, each gets a single try.';
comment on column notification_lanes.last_failure is 'Why the last try failed; empty where it worked.';
comment on table webhooks is 'Webhook URLs, which are secrets: the only place that has them. Deleted once the rollout is completed or another has started, and none of its messages waits.';

create index rollout_events_failures on rollout_events (rollout_id, sequence)
 where type in ('sentinel_failed', 'sentinel_recovered', 'sentinel_revert_failed', 'rollback_started');
comment on index rollout_events_failures is 'For messages that name what failed.';
