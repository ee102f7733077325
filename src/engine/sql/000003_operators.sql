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
comment on column engine.journal.recorded_at is 'By the database''s clock. Null: recorded by a release that did not say.';
comment on column engine.journal.duration_ms is 'run: how long the try took whose result this is.';
comment on column engine.journal.tries is 'run: tries of the attempt that recorded it.';
