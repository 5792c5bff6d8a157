-- Notes something that ran outside a transaction of ours (an index build), or that failed.
INSERT INTO p2pfk.event (migration_id, pair, step, sql, duration_ms, error)
VALUES (:'migration_id'::bigint, :'pair'::int, :'step'::text, :'sql'::text, :'duration_ms'::float8, :'error'::text);
