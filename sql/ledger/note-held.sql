-- After COMMIT: how long the locks of a transaction that is noted blocked others at most, the COMMIT included. With synchronous
-- replication that is when a standby has answered.
UPDATE p2pfk.event SET lock_held_ms = :'blocked_ms'::float8 WHERE id = :'event_id'::bigint;
