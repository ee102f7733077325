-- Up Migration

create index invocations_parked on engine.invocations (id) where status = 'parked';
comment on index engine.invocations_parked is 'Those that wait for an operator are counted at every scrape of the metrics.';
