-- Notes something that ran outside a transaction of ours (an index build), a try that failed, or something about the ledger
-- itself (no migration). An empty value means NULL, because psql's variables have no other. The person is the one who started the
-- migration's current execution.
-- may be null: pair, sql, waited_ms, blocked_ms, duration_ms, error, migration_id, execution
INSERT INTO p2pfk.event (migration_id, execution, person, reason, pair, step, sql, lock_wait_ms, lock_held_ms, duration_ms, error)
SELECT v.migration, v.execution, m.options ->> 'by', m.options ->> 'reason', nullif(:'pair'::text, '')::int, :'step'::text, nullif(:'sql'::text, ''),
       nullif(:'waited_ms'::text, '')::float8, nullif(:'blocked_ms'::text, '')::float8, nullif(:'duration_ms'::text, '')::float8,
       nullif(:'error'::text, '')
  FROM (SELECT nullif(:'migration_id'::text, '')::bigint AS migration, nullif(:'execution'::text, '') AS execution) v
  LEFT JOIN p2pfk.migration m ON m.id = v.migration AND m.execution = v.execution;
