-- Up Migration

-- As for invocations (000005): every exclusive call takes a key and frees it, and with a threshold of 5,000 up to as many of the
-- freed ones kept their place until the next calls came, which took new pages.
alter table engine.keys set (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.02);
