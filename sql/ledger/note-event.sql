-- Notes something that ran outside a transaction of ours (an index build), a try that failed, or what concerns the ledger itself (no
-- migration). Empty means NULL: psql's variables know no other.
INSERT INTO p2pfk.event (migration_id, execution, pair, step, sql, lock_wait_ms, lock_held_ms, duration_ms, error)
VALUES (nullif(:'migration_id'::text, '')::bigint, nullif(:'execution'::text, ''), nullif(:'pair'::text, '')::int, :'step'::text, :'sql'::text,
        nullif(:'waited_ms'::text, '')::float8, nullif(:'blocked_ms'::text, '')::float8, nullif(:'duration_ms'::text, '')::float8,
        nullif(:'error'::text, ''));
