-- Notes, after COMMIT, for how long the locks of a recorded transaction blocked others at most, including the COMMIT, which with
-- synchronous replication ends when a standby has answered.
UPDATE p2pfk.event SET lock_held_ms = :'blocked_ms'::float8 WHERE id = :'event_id'::bigint;
