-- Up Migration

-- Many invocations may be deleted in one go, when their retention is over. With a threshold of 5,000 the last of them were left
-- where they were until as many came again, and their pages with them. Autovacuum looks once a minute at most: this does not
-- make it run more often than that.
alter table engine.invocations set (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.02);
