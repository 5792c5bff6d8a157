-- Notes something that ran outside a transaction of ours (an index build), or that failed. Empty means NULL: psql's
-- variables know no other.
INSERT INTO p2pfk.event (migration_id, pair, step, sql, duration_ms, error)
VALUES (:'migration_id'::bigint, nullif(:'pair'::text, '')::int, :'step'::text, :'sql'::text, :'duration_ms'::float8,
        nullif(:'error'::text, ''));
